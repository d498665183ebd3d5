"""Describe the steps of the online model in words."""

from collections.abc import Mapping
from typing import Final

from rich.text import Text

from streamproc.schemas.model_updates import ModelUpdate

_STYLE: Final[Mapping[str, str]] = {
    "challenger": "cyan",
    "promoted": "bold green",
    "rolled_back": "bold yellow",
    "failed": "bold red",
}
_NAMES: Final[Mapping[str, str]] = {
    "LogisticRegression": "logistic regression",
    "GaussianNB": "naive Bayes",
}


def describe_step(update: ModelUpdate) -> Text:
    """Return a step in two lines, as an alert is written: when, what and of which model; how."""
    return Text.assemble(
        (f"{update.ts:%Y-%m-%d %H:%M:%S}.{update.ts:%f}"[:-3] + "Z" if update.ts else "", "dim"),
        " ",
        (f"{update.step.replace('_', ' '):<11}", style(update)),
        " ",
        (update.model_id, "bold"),
        f" v{update.version}\n    {sentence(update)}",
    )


def sentence(update: ModelUpdate) -> str:
    """Say what a step means.

    Examples
    --------
    >>> source = {"topic": "outcomes", "partition": 0, "offset": 7}
    >>> sentence(ModelUpdate(
    ...     update_id="u", model_id="payments", step="rolled_back", version=3, serving=3,
    ...     learned=400, source=source))
    'v3 answers again: the one promoted over it proved worse on the labels since'
    """
    who = f"v{update.version}"
    match update.step:
        case "challenger":
            return f"{who}, {kind(update)}, learns and answers in the shadow of v{update.serving}"
        case "promoted":
            return f"{who}, {kind(update)}, answers from here on{_compared(update)}"
        case "rolled_back":
            return f"{who} answers again: the one promoted over it proved worse on the labels since"
        case "retired":
            return f"{who}, {kind(update)}, is given up: v{update.serving} was better"
        case other:
            return f"{who}: {other}; v{update.serving} answers"


def kind(update: ModelUpdate) -> str:
    """Name what answers in the end of a pipeline.

    Examples
    --------
    >>> source = {"topic": "outcomes", "partition": 0, "offset": 7}
    >>> kind(ModelUpdate(
    ...     update_id="u", model_id="payments", step="challenger", version=3, serving=1,
    ...     learned=0, model=["naive_bayes.GaussianNB"], source=source))
    'naive Bayes'
    """
    last = (update.model or ["a model"])[-1]
    path = next(iter(last)) if isinstance(last, Mapping) else str(last)
    name = path.rpartition(".")[2]
    return _NAMES.get(name, name)


def style(update: ModelUpdate) -> str:
    """Give the colours of a step."""
    return _STYLE.get(update.step, "dim")


def share(error: float | None) -> str:
    """Write a share of wrong answers.

    Examples
    --------
    >>> share(0.123), share(None)
    ('12 %', '–')
    """
    return "–" if error is None else f"{100 * error:.0f} %"


def _compared(update: ModelUpdate) -> str:
    ours, theirs = (update.metrics.get(f"{who}accuracy") for who in ("", "production_"))
    if ours is None or theirs is None:
        return ""
    return f": wrong in {share(1 - ours)}, production in {share(1 - theirs)} of the same labels"
