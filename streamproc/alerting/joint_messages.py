"""What an alert adds on how the numeric features of a model vary together."""

import math
from typing import Final

from streamproc.detect.detector_input import JointChange
from streamproc.detectors.series.pair_products_kernel import RECENT
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.clip import clip_message

# Standard deviation of a correlation of independent features over the last events, whose weights
# fall by a share of 1 / RECENT an event.
_BY_CHANCE: Final = 1 / math.sqrt(2 * RECENT - 1)


def with_pair(alert: AlertEvent, change: JointChange) -> AlertEvent:
    """Add to an alert which two features changed most.

    Their correlation is named only if it has changed by more than that of the pair which, of so
    many, changes most by chance.
    """
    return alert.model_copy(update={"message": clip_message(alert.message + _note(change))})


def _note(change: JointChange) -> str:
    count = change.features
    pairs = count * (count - 1) // 2
    chance = _BY_CHANCE * math.sqrt(2 * math.log(2 * pairs))
    if change.pair is None or abs(change.after - change.before) < chance:
        return f"; of its {count} features no two stand out"
    one, other = change.pair
    return (
        f"; of its {count} features {one!r} and {other!r} changed most: their correlation was"
        f" {change.before:.2f} and is {change.after:.2f} over the last {RECENT} events"
    )
