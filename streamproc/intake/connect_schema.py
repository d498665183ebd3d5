"""Read decimals in Connect's JSON, which are bytes in BASE64 that only the schema explains.

References
----------
Apache Kafka, ``org.apache.kafka.connect.data.Decimal``; Debezium, ``VariableScaleDecimal``.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

_DECIMAL: Final = "org.apache.kafka.connect.data.Decimal"
_VARIABLE: Final = "io.debezium.data.VariableScaleDecimal"
_MAX_DEPTH: Final = 32
_MAX_SCALE: Final = 300


def names_decimals(value: bytes) -> bool:
    """Whether a record with its schema may have decimals."""
    return _DECIMAL.encode() in value or _VARIABLE.encode() in value


def with_numbers(schema: Any, payload: Any, depth: int = 0) -> Any:
    """Return a payload with numbers for its decimals; what is not one stays as it is.

    Examples
    --------
    >>> amount = {"field": "amount", "name": _DECIMAL, "parameters": {"scale": "2"}}
    >>> with_numbers({"fields": [amount]}, {"amount": "AfQ=", "id": 7})
    {'amount': 5.0, 'id': 7}
    """
    if schema.__class__ is not dict or payload is None or depth > _MAX_DEPTH:
        return payload
    name = schema.get("name")
    if name == _DECIMAL:
        parameters = schema.get("parameters")
        scale = parameters.get("scale") if parameters.__class__ is dict else None
        return _number(payload, scale)
    if payload.__class__ is dict:
        if name == _VARIABLE:
            return _number(payload.get("value"), payload.get("scale"), payload)
        return _fields(schema, payload, depth)
    if payload.__class__ is list:
        return [with_numbers(schema.get("items"), each, depth + 1) for each in payload]
    return payload


def _fields(schema: Mapping[str, Any], payload: dict[str, Any], depth: int) -> dict[str, Any]:
    fields = schema.get("fields")
    found = dict(payload)
    for each in fields if fields.__class__ is list else ():
        name = each.get("field") if each.__class__ is dict else None
        if name.__class__ is str and name in found:
            found[name] = with_numbers(each, found[name], depth + 1)
    return found


def _number(text: Any, scale: Any, otherwise: Any = None) -> Any:
    """Return the number of a two's complement in BASE64 and its decimals."""
    given = text if otherwise is None else otherwise
    try:
        digits = int.from_bytes(base64.b64decode(text, validate=True), "big", signed=True)
        places = int(scale)
        return given if abs(places) > _MAX_SCALE else _scaled(digits, places)
    except (binascii.Error, ValueError, TypeError, OverflowError):
        return given


def _scaled(digits: int, places: int) -> float:
    return digits / 10**places if places >= 0 else float(digits * 10**-places)
