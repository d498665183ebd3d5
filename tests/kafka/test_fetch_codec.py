from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.protocol.fetch import FetchRequest, FetchRequest_v11, FetchResponse_v11
from hypothesis import given
from hypothesis import strategies as st

from streamproc.kafka.fetch_codec import speed_up_fetches
from streamproc.kafka.repeated_fetch import RepeatedFetch

INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)
ERROR = st.integers(-1, 100)
ABORTED = st.none() | st.lists(st.tuples(INT64, INT64), max_size=3)
FOUND = st.tuples(
    INT32, ERROR, INT64, INT64, INT64, ABORTED, INT32, st.none() | st.binary(max_size=40)
)
TOPICS = st.lists(st.tuples(st.text(max_size=9), st.lists(FOUND, max_size=4)), max_size=3)
RESPONSES = st.builds(FetchResponse_v11, INT32, ERROR, INT32, TOPICS)
ASKED = st.lists(
    st.tuples(st.text(max_size=9), st.lists(st.tuples(INT32, INT64, INT32), max_size=4)), max_size=3
)


async def prepared(request: FetchRequest, newest: int) -> Any:
    """Return the request as a consumer sends it to a broker that knows these versions."""

    async def send(_node: int, given: Any) -> Any:
        return given.prepare({1: (0, newest)})

    client = SimpleNamespace(send=send)
    speed_up_fetches(SimpleNamespace(_client=client))  # type: ignore[arg-type]
    return await client.send(1, request)


@given(topics=ASKED, rack=st.text(max_size=5))
async def test_a_request_has_the_bytes_of_the_library(topics: Any, rack: str) -> None:
    """The broker gets what aiokafka would send."""
    request = FetchRequest(250, 1, 1 << 22, 1, topics, rack)
    found = await prepared(request, 11)
    assert type(found) is not FetchRequest_v11
    assert found.encode() == request.build(FetchRequest_v11).encode()


@given(correlation=INT32, client=st.text(max_size=9))
async def test_headers_are_those_of_the_library(correlation: int, client: str) -> None:
    """Requests are named, and responses assigned to them, as aiokafka does it."""
    found = await prepared(FetchRequest(50, 1, 1, 1, []), 11)
    theirs = FetchRequest(50, 1, 1, 1, []).build(FetchRequest_v11)
    header = found.build_request_header(correlation, client)
    assert header.encode() == theirs.build_request_header(correlation, client).encode()
    buffer = BytesIO(correlation.to_bytes(4, "big", signed=True) + b"rest")
    assert found.parse_response_header(buffer).correlation_id == correlation
    assert buffer.read() == b"rest"
    with pytest.raises(ValueError, match="cut off: 3 bytes"):
        found.parse_response_header(BytesIO(b"abc"))


async def test_a_repeated_request_names_its_session() -> None:
    """What a request leaves out is in the session that it continues."""
    request = RepeatedFetch((250, 1, 1 << 22, 1), [("t", [(3, 9, 1 << 20)])], {}, (77, 5))
    asked = request.build(FetchRequest_v11)
    asked.session_id, asked.session_epoch = 77, 5
    assert (await prepared(request, 11)).encode() == asked.encode()


@given(response=RESPONSES)
async def test_a_response_equals_that_of_the_library(response: FetchResponse_v11) -> None:
    """Whatever a broker answers is read as aiokafka reads it."""
    found = (await prepared(FetchRequest(50, 1, 1, 1, []), 11)).RESPONSE_TYPE
    data = response.encode()
    assert vars(found.decode(data)) == vars(FetchResponse_v11.decode(data))


@given(response=RESPONSES, share=st.floats(0, 1, exclude_max=True))
async def test_a_response_that_is_cut_off_is_an_error(
    response: FetchResponse_v11, share: float
) -> None:
    """Half of a response is not taken for a response."""
    found = (await prepared(FetchRequest(50, 1, 1, 1, []), 11)).RESPONSE_TYPE
    data = response.encode()
    with pytest.raises(ValueError, match=r"cut off|utf-8"):
        found.decode(data[: int(len(data) * share)])


async def test_an_older_broker_is_asked_as_the_library_asks_it() -> None:
    """Other versions of the request are left alone."""
    found = await prepared(FetchRequest(50, 1, 1, 1, []), 10)
    assert found.API_VERSION == 10
    assert found.RESPONSE_TYPE.__module__.startswith("aiokafka")
