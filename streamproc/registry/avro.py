"""Decode Avro into what its JSON would be.

References
----------
Apache Avro 1.12, *Specification*: "Binary Encoding", "Logical Types".
"""

import io
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from fastavro import parse_schema, schemaless_reader

from streamproc.intake.errors import IntakeError
from streamproc.intake.frames import Frame
from streamproc.schemas.records import Reason

# Of other logical types the number or text beneath is what events hold: times in milliseconds or
# microseconds are recognised by their magnitude.
_READ_LOGICAL: Final = frozenset({"decimal", "local-timestamp-millis", "local-timestamp-micros"})


def avro_decoder(text: str, references: Sequence[str]) -> Callable[[Frame], Any]:
    """Return a function that decodes payloads of a schema.

    Decimals are numbers, and times without a zone texts, which get that of the configuration.

    Parameters
    ----------
    text
        The schema as JSON.
    references
        Schemas whose names it uses, each after those that it uses itself.

    Raises
    ------
    Exception
        If it is not a schema; which one depends on what is wrong.

    Examples
    --------
    >>> from streamproc.intake.frames import SchemaRef
    >>> decode = avro_decoder('{"type": "array", "items": "long"}', [])
    >>> decode(Frame(SchemaRef("id", "1"), bytes([4, 2, 6, 0])))
    [1, 3]
    """
    named: dict[str, Any] = {}
    for each in references:
        parse_schema(_simplified(_loads(each)), named)
    schema = parse_schema(_simplified(_loads(text)), named)
    converts = any(f'"{name}"' in each for name in _READ_LOGICAL for each in (text, *references))

    def decode(frame: Frame) -> Any:
        if frame.encoding != "BINARY":
            detail = f"Avro of encoding {frame.encoding}; expected BINARY"
            raise IntakeError(Reason.UNSUPPORTED_CONTENT_TYPE, detail)
        source = io.BytesIO(frame.payload)
        try:
            value = schemaless_reader(source, schema, None)
        except Exception as error:  # of any kind: the bytes are not of this schema
            raise _misfit(frame, str(error) or type(error).__name__) from error
        if left := len(frame.payload) - source.tell():
            raise _misfit(frame, f"{left} bytes are left over")
        return _converted(value) if converts else value

    return decode


def _misfit(frame: Frame, detail: str) -> IntakeError:
    return IntakeError(Reason.CORRUPT, f"does not fit {frame.ref}, which is AVRO: {detail}")


def _loads(text: str) -> Any:
    """Parse a schema; that of a primitive type may be its name alone."""
    text = text.strip()
    return json.loads(text) if text[:1] in {"{", "[", '"'} else text


def _simplified(schema: Any) -> Any:
    """Return a schema without the logical types that events do not need."""
    if isinstance(schema, list):
        return [_simplified(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _simplified(value) for name, value in schema.items()}
    if found.get("logicalType") not in _READ_LOGICAL:
        found.pop("logicalType", None)
    return found


def _converted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _converted(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_converted(each) for each in value]
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, datetime) else value
