"""Read the reason of a receiver from the body of its answer. Pure."""

import json
from typing import Any, Final

from yarl import URL

from streamproc.sinks.retry import judge
from streamproc.sinks.sink import Answer, Outcome
from streamproc.terminal import printable

MAX_REASON: Final = 300
# Shorter parts of a path, such as `v2` or `alerts`, are not secrets.
MIN_SECRET: Final = 8
_HIDDEN: Final = "***"
# The keys under which receivers explain an error, in the order in which they are shown.
_KEYS: Final = ("error", "code", "message", "detail", "title", "errors", "reason")


def classify_http(answer: Answer) -> Outcome:
    """Classify an answer by its HTTP status alone.

    Examples
    --------
    >>> classify_http(Answer(404, b'{"message": "no such hook"}'))
    Outcome(verdict=<Verdict.REFUSED: 'refused'>, reason='answered 404: no such hook')
    """
    return Outcome(judge(answer.status), describe_answer(answer))


def describe_answer(answer: Answer) -> str:
    """Return the status with the receiver's reason, if it gives one."""
    reason = reason_of(answer.text)
    return f"answered {answer.status}: {reason}" if reason else f"answered {answer.status}"


def reason_of(text: bytes) -> str:
    r"""Return the explanation in the body of an answer, shortened and printable.

    Examples
    --------
    >>> reason_of(b'{"status": "invalid event", "errors": ["summary is missing", "too long"]}')
    'summary is missing; too long'
    >>> reason_of(b"invalid_blocks\n")
    'invalid_blocks'
    """
    plain = text.decode(errors="replace").strip()
    try:
        parsed = json.loads(plain)
    except (ValueError, RecursionError):
        parsed = None
    found = "; ".join(_texts(parsed)) if isinstance(parsed, dict | str) else ""
    shown = printable(" ".join((found or plain).split()))
    return shown if len(shown) <= MAX_REASON else f"{shown[:MAX_REASON]}…"


def redact(text: str, secrets: tuple[str, ...]) -> str:
    """Hide secrets that a receiver repeats.

    Examples
    --------
    >>> redact("no such hook: /T0KEN-OF-OURS", ("T0KEN-OF-OURS",))
    'no such hook: /***'
    """
    for secret in secrets:
        text = text.replace(secret, _HIDDEN)
    return text


def secrets_in(url: str) -> tuple[str, ...]:
    """Return the parts of a URL that may be secrets: long parts of its path, and its query.

    Examples
    --------
    >>> secrets_in("https://hooks.example.org/v2/T0KEN-OF-OURS?sig=0123456789")
    ('T0KEN-OF-OURS', '0123456789')
    """
    parsed = URL(url)
    parts = (*parsed.parts, *parsed.query.values())
    return tuple(part for part in parts if len(part) >= MIN_SECRET)


def _texts(value: Any) -> list[str]:
    """List the explanations in a JSON value."""
    if isinstance(value, str):
        return [value] if value else []
    if isinstance(value, list):
        return [text for item in value[:10] for text in _texts(item)]
    if isinstance(value, dict):
        return [text for key in _KEYS if key in value for text in _texts(value[key])]
    return []
