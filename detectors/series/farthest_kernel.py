"""How far statistics have been before, in blocks, and how far is too far.

The farthest of long blocks follow a Gumbel distribution where tails are normal or exponential. What
lies ``c`` of its scales beyond the farthest of n blocks comes once in ``n * e**c`` blocks. Where
blocks differ little, as with normal tails, that is not far beyond the farthest; where they differ
much, as with heavier tails, it is several times as far.

E. J. Gumbel, "Statistics of Extremes", Columbia University Press, 1958.
"""

import math
from typing import Any

import numpy as np

from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.series.phase_kernel import TINY

(CENTRE, SPREAD, HIGH, LOW, HIGH_BEFORE, LOW_BEFORE, HIGH_NOW, LOW_NOW) = range(8)
"""Fields of the marks of a statistic: its centre, its mean distance from there, the farthest of all
blocks up and down, those of the block before, and of this one."""
HIGHS, HIGH_SQUARES, LOWS, LOW_SQUARES = range(8, 12)
"""Mean distance of the blocks' farthest from the centre, and of its square, up and down."""
FIELDS = 12
FEWEST_BLOCKS = 3
MANY_BLOCKS = 50.0
"""Blocks that the means are of at most."""
GUMBEL = math.sqrt(6.0) / math.pi
"""Scale of a Gumbel distribution over its standard deviation."""
MIN_MULTIPLE = 1.25
"""The limit in multiples of the farthest, at least."""
KEEP = 0.999
"""What is left of the farthest values a day later: half of it after two years."""


@compiled
def compared(record: Any, marks: Any, k: int, value: float, muted: float) -> float:
    """Compare a statistic with the farthest before; returns the ratio, 0 while there are few.

    The farthest are those of blocks that ended at least one block ago: a change that builds up
    slowly would else raise its own limit.
    """
    own = marks[k]
    apart = value - own[CENTRE]
    farthest = own[HIGH] - own[CENTRE] if apart >= 0.0 else own[CENTRE] - own[LOW]
    known, ratio = record.blocks[k] >= FEWEST_BLOCKS, 0.0
    if known and farthest > TINY:
        ratio = abs(apart) / farthest
    own[HIGH_NOW], own[LOW_NOW] = max(own[HIGH_NOW], value), min(own[LOW_NOW], value)
    if muted > 0.0:
        own[HIGH], own[LOW] = max(own[HIGH], value), min(own[LOW], value)
    reach = 3.0 * own[SPREAD] if known else np.inf
    record.compared[k] += 1.0
    n = record.compared[k]
    own[SPREAD] += (min(abs(apart), reach) - own[SPREAD]) / min(n, 20000.0)
    own[CENTRE] += min(max(apart, -reach), reach) / min(n, 5000.0)
    return float(ratio)


@compiled
def limit_of(own: Any, value: float, rarity: float, max_multiple: float) -> float:
    """Return the limit of a statistic on the side of a value, in multiples of the farthest.

    It is `rarity` scales of the Gumbel distribution beyond the farthest, at least `MIN_MULTIPLE`
    times as far, and `max_multiple` times at most.
    """
    up = value >= own[CENTRE]
    farthest = own[HIGH] - own[CENTRE] if up else own[CENTRE] - own[LOW]
    mean, square = (own[HIGHS], own[HIGH_SQUARES]) if up else (own[LOWS], own[LOW_SQUARES])
    scale = GUMBEL * math.sqrt(max(square - mean * mean, 0.0))
    return float(min(max(1.0 + rarity * scale / max(farthest, TINY), MIN_MULTIPLE), max_multiple))


@compiled
def turned(record: Any, marks: Any, k: int, length: float, perday: float) -> None:
    """End a block of a statistic, if it is long enough."""
    record.filled[k] += 1.0
    if record.filled[k] < length:
        return
    own = marks[k]
    if record.blocks[k] >= 1:
        decayed = KEEP ** (length / perday)
        high = own[CENTRE] + (own[HIGH] - own[CENTRE]) * decayed
        low = own[CENTRE] + (own[LOW] - own[CENTRE]) * decayed
        first = record.blocks[k] == 1
        own[HIGH] = own[HIGH_BEFORE] if first else max(high, own[HIGH_BEFORE])
        own[LOW] = own[LOW_BEFORE] if first else min(low, own[LOW_BEFORE])
        weight = 1.0 / min(float(record.blocks[k]), MANY_BLOCKS)
        apart = own[HIGH_BEFORE] - own[CENTRE], own[CENTRE] - own[LOW_BEFORE]
        own[HIGHS] += (apart[0] - own[HIGHS]) * weight
        own[HIGH_SQUARES] += (apart[0] * apart[0] - own[HIGH_SQUARES]) * weight
        own[LOWS] += (apart[1] - own[LOWS]) * weight
        own[LOW_SQUARES] += (apart[1] * apart[1] - own[LOW_SQUARES]) * weight
    own[HIGH_BEFORE], own[LOW_BEFORE] = own[HIGH_NOW], own[LOW_NOW]
    own[HIGH_NOW], own[LOW_NOW] = -np.inf, np.inf
    record.filled[k] = 0.0
    record.blocks[k] = min(record.blocks[k] + 1, 100)
