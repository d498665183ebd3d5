"""Define the base of configuration sections, and report validation errors of their rules."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final, NoReturn

from pydantic import ConfigDict
from pydantic_core import PydanticCustomError

from streamproc.schemas.base import Contract

Path = tuple[str | int, ...]
"""Path from a section to a field: keys and list indices."""

REFUSED: Final = "refused"


class Section(Contract):
    """A frozen section of the configuration; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid")


def refuse(*problems: tuple[Path, str]) -> NoReturn:
    """Fail a validation with several problems, each at its field.

    Parameters
    ----------
    *problems : tuple
        Path from the validated value to the field, and what is expected there. The text is shown
        to users and must not contain a secret.

    Raises
    ------
    PydanticCustomError
        Always; pydantic collects it with the errors of the other fields.
    """
    text = "; ".join(message for _, message in problems)
    raise PydanticCustomError(REFUSED, "{text}", {"text": text, "problems": problems})


def refuse_if_any(problems: Sequence[tuple[Path, str]]) -> None:
    """Call `refuse` if there are problems."""
    if problems:
        refuse(*problems)


def suggest(name: str, known: Sequence[str]) -> str:
    """Suggest the closest known name, and list all of them.

    Examples
    --------
    >>> suggest("adwn", ["adwin", "page_hinkley"])
    'did you mean `adwin`? Expected one of: adwin, page_hinkley'
    """
    names = ", ".join(known)
    close = get_close_matches(name, known, n=1) or [other for other in known if name in other]
    if close and name:
        return f"did you mean `{close[0]}`? Expected one of: {names}"
    return f"expected one of: {names}"
