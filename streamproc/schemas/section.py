"""The base of every section of the configuration, and how its rules refuse what they are given."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final, NoReturn

from pydantic import ConfigDict
from pydantic_core import PydanticCustomError

from streamproc.schemas.base import Contract

Path = tuple[str | int, ...]
"""The way from a section to a field: keys, and positions in lists."""

REFUSED: Final = "refused"


class Section(Contract):
    """A frozen part of the configuration; a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid")


def refuse(*problems: tuple[Path, str]) -> NoReturn:
    """End a validation with several problems at once, each at its own field.

    Parameters
    ----------
    *problems : tuple
        The path from the value under validation to the field, and what is expected there. The
        text is shown as it is: it must not repeat a secret.

    Raises
    ------
    PydanticCustomError
        Always; pydantic collects it with the errors of the other fields.
    """
    text = "; ".join(message for _, message in problems)
    raise PydanticCustomError(REFUSED, "{text}", {"text": text, "problems": problems})


def refuse_if_any(problems: Sequence[tuple[Path, str]]) -> None:
    """Call `refuse` when there is something to refuse."""
    if problems:
        refuse(*problems)


def suggest(name: str, known: Sequence[str]) -> str:
    """Say which of the known names was probably meant, and what there is.

    Examples
    --------
    >>> suggest("adwn", ["adwin", "page_hinkley"])
    'did you mean `adwin`? Expected one of: adwin, page_hinkley'
    """
    close = get_close_matches(name, known, n=1) or [other for other in known if name in other]
    hint = f"did you mean `{close[0]}`? " if close and name else ""
    return f"{hint}Expected one of: {', '.join(known)}"
