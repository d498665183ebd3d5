"""Shorten texts of events, so that alerts fit into a record."""

import hashlib
from typing import Annotated, Final

from pydantic import AfterValidator

from streamproc.schemas.base import Text

# An alert has at most some fifty such texts: with four bytes per character it stays below half of
# Kafka's default maximum of 1 MB. Feature names have at most 1,000 characters.
MAX_TEXT: Final = 2_000
MAX_MESSAGE: Final = 8_000
_DIGEST_BYTES: Final = 8


def clip(text: str, limit: int) -> str:
    """Shorten a text to `limit` characters, with a digest that keeps different texts different.

    Examples
    --------
    >>> clip("7", 40)
    '7'
    >>> clip("x" * 100, 40)
    'xxxxxxxxxxxxxxxxxxxxxxx…9ab81e889c7b4221'
    """
    if len(text) <= limit:
        return text
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES)
    end = f"…{digest.hexdigest()}"
    return text[: limit - len(end)] + end


def clip_text(text: str) -> str:
    """Shorten a name or a version for an alert."""
    return clip(text, MAX_TEXT)


def clip_message(text: str) -> str:
    """Shorten the message of an alert."""
    return clip(text, MAX_MESSAGE)


ClippedText = Annotated[Text, AfterValidator(clip_text)]
ClippedMessage = Annotated[Text, AfterValidator(clip_message)]
