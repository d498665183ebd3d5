"""Recognise conditions on kind and severity that no alert can fulfil."""

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Final, get_args

from streamproc.schemas.alerts import Kind, Severity
from streamproc.schemas.section import suggest

VALUES: Final[dict[str, tuple[str, ...]]] = {
    "kind": get_args(Kind),
    "severity": get_args(Severity),
}
"""Labels of alerts that have a fixed set of values."""


def unknown_value(label: str, text: str, accepts: Callable[[str], bool]) -> str | None:
    """Say why a condition is about no alert; None: it is about some, or about another label.

    Parameters
    ----------
    label
        The label.
    text
        What the condition compares it with.
    accepts
        Whether the condition names a value.

    Examples
    --------
    >>> unknown_value("severity", "warnin", "warnin".__eq__)
    "no alert has the severity 'warnin'; did you mean `warning`? Expected one of: info, warning, \
critical"
    """
    values = VALUES.get(label)
    if values is None or any(map(accepts, values)):
        return None
    return f"no alert has the {label} {text!r}; {suggest(text, values)}"


def unknown_glob(label: str, glob: str) -> str | None:
    """Do as `unknown_value` with a glob.

    Examples
    --------
    >>> unknown_glob("kind", "dat*"), unknown_glob("model", "dat")
    (None, None)
    """
    return unknown_value(label, glob, lambda value: fnmatchcase(value, glob))
