"""Summarise in a line how a deployment stands with its budget for false alarms."""

from collections.abc import Sequence

from streamproc.config.budget import Budget, format_budget
from streamproc.pipeline.budget_watch import BudgetWatch
from streamproc.terminal import count


def budget_summary(budget: Budget, partitions: Sequence[BudgetWatch]) -> str:
    """Return what thresholds allow at most, and which partitions exceed their share.

    Parameters
    ----------
    budget
        Of the configuration.
    partitions
        The watch of each partition that has a snapshot.

    Examples
    --------
    >>> budget_summary(Budget(1, "week"), [])
    'false alarms: the budget is 1 a week; thresholds are as configured until a day was seen'
    """
    text = f"false alarms: the budget is {format_budget(budget)}"
    chosen = [each for each in partitions if each.state.expected is not None]
    if not chosen:
        return f"{text}; thresholds are as configured until a day was seen"
    total = sum(each.state.expected or 0.0 for each in chosen)
    text += f"; thresholds allow {total:.2g} a week at most"
    waiting = len(partitions) - len(chosen)
    if waiting:
        text += f", and as configured in {count(waiting, 'partition')}"
    over = [each for each in chosen if (each.state.expected or 0.0) > each.state.share]
    if over:
        text += (
            f"; {count(len(over), 'partition')} exceed their share, as calibration ends:"
            " raise `budget`, or watch fewer series"
        )
    unknown = sorted({label for each in chosen for label in each.state.unknown})
    return f"{text}; not counted: {', '.join(unknown)}" if unknown else text
