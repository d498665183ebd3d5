import hmac
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from streamproc.worker import http
from streamproc.worker.http import application

TOKEN = "a token of thirty-two characters"  # noqa: S105  of this test


@pytest.fixture
async def guarded() -> AsyncIterator[TestClient]:
    """Give a client of a server that asks for a token and is in trouble."""
    app = application(CollectorRegistry(), lambda: "the key is 42", lambda: None, SecretStr(TOKEN))
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.parametrize(
    "shown",
    [None, "", "Bearer", "Bearer ", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}",
     f"Bearer {TOKEN}x", f"bearer {TOKEN}", "Bearer \udcff"],
)  # fmt: skip
async def test_metrics_are_for_who_shows_the_token(guarded: TestClient, shown: str | None) -> None:
    """Without the very token there are no metrics."""
    headers = {} if shown is None else {"Authorization": shown}
    answer = await guarded.get("/metrics", headers=headers)
    assert answer.status == 401
    assert "streamproc" not in await answer.text()


async def test_the_token_opens_the_metrics(guarded: TestClient) -> None:
    """Whoever shows the token reads the metrics."""
    answer = await guarded.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status == 200


async def test_probes_need_no_token_and_are_told_no_reason(guarded: TestClient) -> None:
    """A probe without the token hears whether all is well, and only with it why not."""
    bare = await guarded.get("/healthz")
    assert (bare.status, await bare.text()) == (503, "not ok\n")
    assert (await guarded.get("/readyz")).status == 200
    known = await guarded.get("/healthz", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (known.status, await known.text()) == (503, "the key is 42\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
async def test_nothing_can_be_written(guarded: TestClient, method: str, path: str) -> None:
    """Every way to write is refused, with the token or without."""
    for headers in ({}, {"Authorization": f"Bearer {TOKEN}"}):
        answer = await guarded.request(method, path, headers=headers, data=b"x" * 100)
        assert answer.status == 405
        assert "POST" not in answer.headers["Allow"]


async def test_tokens_are_compared_in_constant_time(
    guarded: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long a refusal takes says nothing about how much of a token was right."""
    compared, truly = [], hmac.compare_digest

    def compare(shown: bytes, wanted: bytes) -> bool:
        compared.append((shown, wanted))
        return truly(shown, wanted)

    monkeypatch.setattr(http.hmac, "compare_digest", compare)
    await guarded.get("/metrics", headers={"Authorization": "Bearer x"})
    assert compared == [(b"Bearer x", f"Bearer {TOKEN}".encode())]
