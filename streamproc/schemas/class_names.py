"""Name classes as texts, and compare classes that are written differently."""

from typing import Final

Value = float | bool | str
"""A label, or a predicted class or number."""

_KEYS: Final = {"true": "1", "false": "0", "True": "1", "False": "0"}


def class_name(value: Value) -> str:
    """Return the text that names a class in probabilities and cohorts.

    Examples
    --------
    >>> class_name(True), class_name(3.0), class_name("cat")
    ('true', '3', 'cat')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


def class_key(value: Value) -> str:
    """Return the text by which classes are compared; no event or message shows it.

    Examples
    --------
    >>> class_key(True), class_key("true"), class_key("True"), class_key(1.0), class_key("1")
    ('1', '1', '1', '1', '1')
    """
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else repr(value)
    return _KEYS.get(value, value)
