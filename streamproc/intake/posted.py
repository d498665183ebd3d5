"""Turn the body of an HTTP request into native events: CloudEvents, native JSON, or Arrow.

References
----------
CloudEvents 1.0.2, *HTTP Protocol Binding*: "Binary Content Mode", "Structured Content Mode",
"Batched Content Mode".
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import msgspec

from streamproc.config.config import Config
from streamproc.config.intake import Target
from streamproc.decode.arrow_record import check_json_size, event_bodies
from streamproc.decode.event_schema import Topic
from streamproc.decode.lenient import LenientDecoder, lenient_decoder, parse
from streamproc.decode.payloads import bodies, table_of
from streamproc.decode.structs import DECODE_ERRORS, classify_error
from streamproc.decode.unreadable import UnreadableError
from streamproc.intake.documents import document
from streamproc.intake.errors import IntakeError
from streamproc.intake.mapper import Mapper, NativeEvent
from streamproc.join.decode import GenericLabel
from streamproc.schemas.content_types import ARROW_FILE, ARROW_STREAM, JSON, NDJSON
from streamproc.schemas.records import Headers, Reason

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
_ENCODE: Final = msgspec.json.Encoder().encode
_ONE: Final = msgspec.json.Decoder(list[msgspec.Raw])


class Posted(NamedTuple):
    """What a request holds.

    Attributes
    ----------
    events
        Its events.
    skipped
        Number of CloudEvents that the configuration skips.
    """

    events: Sequence[NativeEvent]
    skipped: int = 0


class UnsupportedTypeError(Exception):
    """The content type of a request is none that is read; the message names those."""


class RefusedError(Exception):
    """Some events of a request cannot be read; `args` are a text for each."""


class _Request(NamedTuple):
    """A request as a record: CloudEvents have the same form in both."""

    value: bytes
    headers: Headers
    timestamp: int
    offset: int = 0
    key: bytes | None = None


class Reader:
    """Read requests.

    Parameters
    ----------
    config
        The whole configuration: an entry of `intake` with `from: {http: true}` maps CloudEvents.
        Without one, their data are native events.

    Examples
    --------
    >>> reader = Reader(Config())
    >>> body = b'{"model_id": "m", "prediction": 0.5}'
    >>> reader.read({"content-type": "application/json"}, body, 0).events
    [NativeEvent(to='predictions', model_id='m', body=b'{"model_id": "m", "prediction": 0.5}')]
    """

    def __init__(self, config: Config) -> None:
        entry = next((each for each in config.intake if each.source.http), None)
        self._mapper = None if entry is None else Mapper(entry, config)
        self._strict, self._limit = config.strict, config.limits.record_bytes
        zone = config.topics.tzinfo
        self._decoders: dict[Target, LenientDecoder] = {
            "predictions": lenient_decoder(Topic.PREDICTIONS, zone),
            "features": lenient_decoder(Topic.FEATURES, zone),
            "labels": LenientDecoder(GenericLabel, zone),
        }

    def read(self, headers: Mapping[str, str], body: bytes, now: int) -> Posted:
        """Return the events of a request: all of them, or none.

        Parameters
        ----------
        headers
            By their lower-case names.
        body
            The body.
        now
            Milliseconds since 1970: the time of CloudEvents without one.

        Raises
        ------
        UnsupportedTypeError
            If the content type is none of JSON, lines of JSON, Arrow and CloudEvents.
        RefusedError
            If any event cannot be read.
        """
        kind = headers.get("content-type", JSON).split(";")[0].strip().strip('"').lower()
        if kind == BATCH:
            return self._cloud_events(_elements(body), now)
        if kind == STRUCTURED:
            return self._cloud_events([body], now)
        if "ce-specversion" in headers:
            named = [(name, unquote(text).encode()) for name, text in headers.items()]
            return self._mapped([_Request(body, [*named, ("content-type", kind.encode())], now)])
        if kind not in {JSON, NDJSON, ARROW_STREAM, ARROW_FILE}:
            message = (
                f"content-type is {kind!r}; expected {JSON}, {NDJSON}, {ARROW_STREAM}, {STRUCTURED}"
                f" or {BATCH}"
            )
            raise UnsupportedTypeError(message)
        return self._native(_Request(body, [("content-type", kind.encode())], now))

    def _cloud_events(self, events: Sequence[bytes], now: int) -> Posted:
        headers = [("content-type", STRUCTURED.encode())]
        return self._mapped([_Request(bytes(each), headers, now) for each in events])

    def _mapped(self, requests: Sequence[_Request]) -> Posted:
        events: list[NativeEvent] = []
        problems: list[str] = []
        skipped = 0
        for index, request in enumerate(requests):
            try:
                if self._mapper is None:
                    events.append(self._checked(_with_attributes(request)))
                    continue
                mapped = self._mapper.map(request, "http", 0)
                if mapped.refused:
                    raise mapped.refused[0].error
                events += mapped.events
                skipped += mapped.skipped is not None
            except IntakeError as error:
                problems.append(f"{index}: {error.reason.value}: {error.detail}")
        for index, event in enumerate(events):
            if len(event.body) > self._limit:
                problems.append(f"{index}: too_large: more than limits.record_bytes")
        if problems:
            raise RefusedError(*problems)
        return Posted(events, skipped)

    def _native(self, request: _Request) -> Posted:
        try:
            table = table_of(request, self._limit)
            if table is None:
                found = bodies(request, self._limit, strict=self._strict)
            else:
                check_json_size(table, self._limit)
                found = event_bodies(table)
        except UnreadableError as error:
            raise RefusedError(f"0: {error.reason.value}: {error.detail}") from error
        events: list[NativeEvent] = []
        problems: list[str] = []
        for index, body in found:
            try:
                events.append(self._checked(body))
            except IntakeError as error:
                problems.append(f"{max(0, index)}: {error.reason.value}: {error.detail}")
        if problems:
            raise RefusedError(*problems)
        return Posted(events)

    def _checked(self, body: bytes) -> NativeEvent:
        """Return an event as it is, if its topic's readers will take it.

        With a label it is one, with a prediction a prediction, otherwise features, as in the SDK.
        """
        try:
            fields = parse(body)
            if not isinstance(fields, dict):
                raise IntakeError(Reason.WRONG_TYPE, "an event is an object")
            to: Target = "features"
            if "label" in fields:
                to = "labels"
            elif "prediction" in fields:
                to = "predictions"
            decoder = self._decoders[to]
            if self._strict:
                event = msgspec.json.decode(body, type=decoder.struct)
            else:
                event, _ = decoder.decode(body)
        except DECODE_ERRORS as error:
            raise IntakeError(*classify_error(error, body)) from error
        return NativeEvent(to, event.model_id, body)


def _elements(body: bytes) -> Sequence[bytes]:
    try:
        return [bytes(each) for each in _ONE.decode(body)]
    except DECODE_ERRORS as error:
        reason, detail = classify_error(error)
        raise RefusedError(f"0: {reason.value}: {detail}") from error


def _with_attributes(request: _Request) -> bytes:
    """Return the native event in a CloudEvent, with its id and time where it has none."""
    found = document(request, "cloudevents", "http", 0)
    if found is None or not isinstance(found.value, dict):
        raise IntakeError(Reason.WRONG_TYPE, "the data of a CloudEvent is an object")
    fields: dict[str, Any] = dict(found.value)
    for name, attribute in (("event_id", "id"), ("ts", "time")):
        if fields.get(name) is None and attribute in found.attributes:
            fields[name] = found.attributes[attribute]
    return _ENCODE(fields)
