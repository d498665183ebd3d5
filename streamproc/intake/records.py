"""Map several records of a partition; what cannot be mapped becomes a dead letter."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from streamproc.decode.payloads import WHOLE_RECORD, original_headers, original_value
from streamproc.intake.errors import IntakeError
from streamproc.intake.frames import Schemas
from streamproc.intake.mapper import Mapper, NativeEvent
from streamproc.schemas.content_types import JSON
from streamproc.schemas.records import DeadLetter, Headers, Record, UnreadableRecord


@dataclass(slots=True)
class MappedSlice:
    """What the records of a slice became."""

    events: list[NativeEvent] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    skipped: int = 0


def map_records(
    mapper: Mapper,
    records: Iterable[tuple[int, Record]],
    topic: str,
    schemas: Schemas | None = None,
) -> MappedSlice:
    """Map records of a topic, each with its partition; what cannot be mapped is a dead letter.

    So is an item of a list that cannot be mapped, while others can. `schemas` are those that
    `Mapper.schemas_of` names; None if no registry is configured.

    Examples
    --------
    >>> from streamproc.config.config import Config
    >>> from streamproc.config.intake import Intake
    >>> from streamproc.monitor import LogRecord
    >>> entry = Intake.model_validate({"from": {"topics": ["t"]}, "map": {"prediction": "y"}})
    >>> records = [LogRecord(0, b'{"y": 1.5}'), LogRecord(1, b"?"), LogRecord(2, None)]
    >>> found = map_records(Mapper(entry, Config()), [(0, each) for each in records], "t")
    >>> len(found.events), found.dead_letters[0].reason.value, found.skipped
    (1, 'not_json', 1)
    """
    found = MappedSlice()
    for partition, record in records:
        try:
            if isinstance(record, UnreadableRecord):
                raise IntakeError(record.reason, record.detail)  # noqa: TRY301  counted as below
            mapped = mapper.map(record, topic, partition, schemas)
        except IntakeError as error:
            found.dead_letters.append(_dead_letter(record, topic, partition, error))
            continue
        if mapped.refused:
            found.dead_letters += [
                _dead_letter(record, topic, partition, why, index, body)
                for index, body, why in mapped.refused
            ]
        found.events += mapped.events
        found.skipped += mapped.skipped is not None
    return found


def _dead_letter(
    record: Record,
    topic: str,
    partition: int,
    error: IntakeError,
    index: int = WHOLE_RECORD,
    body: bytes | None = None,
) -> DeadLetter:
    """Return the dead letter of a record, or of an item of its list, whose JSON is `body`."""
    return DeadLetter(
        reason=error.reason,
        detail=error.detail,
        topic=topic,
        partition=partition,
        offset=record.offset,
        timestamp=record.timestamp,
        index=index,
        key=record.key,
        value=original_value(record) if body is None else body,
        headers=original_headers(record) if body is None else _with_json(record),
    )


def _with_json(record: Record) -> Headers:
    """Return the headers of a record, with the content type of JSON."""
    others = (header for header in record.headers or () if header[0].lower() != "content-type")
    return (*others, ("content-type", JSON.encode()))
