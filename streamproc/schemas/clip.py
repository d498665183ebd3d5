"""Texts of events, cut to what a record can hold."""

import hashlib
from typing import Annotated, Final

from pydantic import AfterValidator

from streamproc.schemas.base import Text

# An alert has some fifty such texts at most; with four bytes a character it stays below half of
# the megabyte that topics take by default. Names of features have at most 1,000 characters.
MAX_TEXT: Final = 2_000
MAX_MESSAGE: Final = 8_000
_DIGEST_BYTES: Final = 8


def clip(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters; different texts stay different.

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
    """Return a name or a version as alerts have it."""
    return clip(text, MAX_TEXT)


def clip_message(text: str) -> str:
    """Return a sentence as alerts have it."""
    return clip(text, MAX_MESSAGE)


ClippedText = Annotated[Text, AfterValidator(clip_text)]
ClippedMessage = Annotated[Text, AfterValidator(clip_message)]
