"""What the sentence of an alert says of the other series of its incident."""

from collections.abc import Sequence
from typing import Final

OVER: Final = "; the incident is over"
_ERRORS: Final = {
    "metric:log_loss": "the log loss",
    "metric:brier": "the Brier score",
    "metric:squared_error": "the squared error",
}


def correlation_note(names: Sequence[str], more: int) -> str:
    """Say that a series is part of what is known already; `more`: others that are not named.

    Examples
    --------
    >>> correlation_note(["feature:km", "prediction"], 3)
    "; one incident with feature 'km', the prediction and 3 more"
    """
    return f"; one incident with {_listed(names, more)}"


def continuation_note(names: Sequence[str], more: int) -> str:
    """Say that others have not settled."""
    return f"; the incident goes on with {_listed(names, more)}"


def _listed(series: Sequence[str], more: int) -> str:
    names = [_name(each) for each in series]
    if more:
        names.append(f"{more} more" if names else f"{more} other series")
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _name(series: str) -> str:
    kind, _, name = series.partition(":")
    if kind == "feature":
        return f"feature {name!r}"
    if kind == "quality":
        return f"the gaps of feature {name!r}"
    if kind == "prediction":
        return f"the prediction of class {name!r}" if name else "the prediction"
    return _ERRORS.get(series, f"the {name or kind}")
