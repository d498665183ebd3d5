"""Evaluate predictions: losses, prequential metrics and comparisons of versions."""

import math
from typing import Final

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.performance.losses import MIN_PROBABILITY
from streamproc.performance.sequential_test import FADING, LOG_WEALTH, sequential_test

RUNNING_METRICS: Final = 7
"""Answers judged, their errors, squared errors; answers with probabilities, their log losses and
Brier scores; and the fading mean error."""
RECORD: Final = 3 * RUNNING_METRICS + LOG_WEALTH
"""Size of a version's record: three running metrics (see `ScoredVersion`), then evidence."""
TASK: Final = 5


@compiled
def evaluate(  # noqa: PLR0913, PLR0917 - arrays, not objects
    tasks: Ints,
    enough: Floats,
    rows: Floats,
    production: Floats,
    ys: Floats,
    records: Floats,
    losses: Floats,
    errors: Floats,
    reached: Ints,
) -> None:
    """Evaluate the predictions of all versions of many models, and update their tests.

    Parameters
    ----------
    tasks
        (learners, TASK): labels; players; numbers in an answer (number or class, probabilities);
        the first player that is a rival of the one that answers, who is player 0; and whether it
        is that one which has to prove that it is better than the floor, or the floor.
    enough
        (learners,): log wealth of that proof.
    rows
        Of each learner in turn: (labels, players + 1, width), the answers of the players and the
        floor; NaN where there are none.
    production
        (labels, 3): losses of the production model as `losses_of` returns them; NaN for no
        prediction.
    ys
        (labels,): numbers, or codes of classes.
    records
        (EVIDENCE,) of floor or model, then (RECORD,) of each player; they are added to.
    losses
        (players + 1, labels): gets 0 or 1 for a class, the absolute error for a number; NaN for
        no answer.
    errors
        (labels,): gets the loss of each champion (version 0).
    reached
        (learners,): gets the label that completed the proof, or -1.
    """
    row = label = record = lost = 0
    for k in range(len(tasks)):
        n, players, width = tasks[k, 0], tasks[k, 1], tasks[k, 2]
        for i in range(n):
            theirs = production[label + i]
            at = row + i * (players + 1) * width
            floor = rows[at + players * width : at + (players + 1) * width]
            truth = ys[label + i]
            for p in range(players):
                tallies = records[record + LOG_WEALTH + p * RECORD :][: 3 * RUNNING_METRICS]
                own = losses_of(rows[at + p * width : at + (p + 1) * width], truth)
                losses[lost + p * n + i] = own[0]
                if not math.isnan(own[0]):
                    _add(own, width, tallies[:RUNNING_METRICS])
                    scores = theirs[0], theirs[1], theirs[2]
                    _add(scores, width, tallies[RUNNING_METRICS : 2 * RUNNING_METRICS])
                    _add(losses_of(floor, truth), width, tallies[2 * RUNNING_METRICS :])
            errors[label + i] = losses[lost + i]
            losses[lost + players * n + i] = losses_of(floor, truth)[0]
        mine, absolute = losses[lost : lost + n], width == 1
        for p in range(tasks[k, 3], players):
            evidence = records[record + LOG_WEALTH + p * RECORD + 3 * RUNNING_METRICS :][
                :LOG_WEALTH
            ]
            sequential_test(mine, losses[lost + p * n :][:n], absolute, evidence, 0, math.inf)
        others = losses[lost + players * n :][:n]
        better, worse = (mine, others) if tasks[k, 4] else (others, mine)
        reached[k] = sequential_test(
            worse, better, absolute, records[record:][:LOG_WEALTH], 0, enough[k]
        )
        row += n * (players + 1) * width
        label += n
        record += LOG_WEALTH + players * RECORD
        lost += (players + 1) * n


@compiled
def losses_of(answer: Floats, label: float) -> tuple[float, float, float]:
    """Return the losses of a prediction, by the formulas of `streamproc.performance.losses.score`.

    Parameters
    ----------
    answer
        (1,): a number; or (1 + classes,): class code and probabilities. NaN where it is missing.
    label
        The number, or the code of the class.

    Returns
    -------
    tuple of float
        Absolute and squared error; or error, log loss and Brier score summed over the classes.
    """
    if math.isnan(answer[0]):
        return math.nan, math.nan, math.nan
    if len(answer) == 1:
        off = float(abs(answer[0] - label))
        return off, off * off, math.nan
    shares, brier = answer[1:], 0.0
    for k in range(len(shares)):
        off = shares[k] - (1.0 if k == int(label) else 0.0)
        brier += off * off  # NaN without a probability
    log_loss = -math.log(min(max(shares[int(label)], MIN_PROBABILITY), 1.0))
    return 1.0 if answer[0] != label else 0.0, math.nan if math.isnan(brier) else log_loss, brier


@compiled
def _add(losses: tuple[float, float, float], width: int, tally: Floats) -> None:
    """Add the losses of a prediction to running metrics, unless it is missing."""
    error, second, brier = losses
    if math.isnan(error):
        return
    if width == 1:
        tally[2] += second
    elif not math.isnan(second):
        tally[3] += 1.0
        tally[4] += second
        tally[5] += brier
    tally[0] += 1.0
    tally[1] += error
    tally[6] += max(1.0 - FADING, 1.0 / tally[0]) * (error - tally[6])


def metrics(tally: Floats, task: str, prefix: str = "") -> dict[str, float | None]:
    """Return named means of running metrics; None without evaluated predictions.

    The Brier score of a binary model is that of its positive class, as in `metric:brier` of a
    model in production; with several classes it is the sum over them.

    Examples
    --------
    >>> import numpy as np
    >>> metrics(np.array([4.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.25]), "binary")["accuracy"]
    0.75
    """
    n, errors, squares, shared, log_loss, brier, recent = tally.tolist()
    if task == "regression":
        return {
            f"{prefix}mae": errors / n if n else None,
            f"{prefix}rmse": math.sqrt(squares / n) if n else None,
            f"{prefix}recent_mae": recent if n else None,
        }
    return {
        f"{prefix}accuracy": 1 - errors / n if n else None,
        f"{prefix}log_loss": log_loss / shared if shared else None,
        f"{prefix}brier": brier / (2 * shared if task == "binary" else shared) if shared else None,
        f"{prefix}recent_accuracy": 1 - recent if n else None,
    }
