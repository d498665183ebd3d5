"""Suites: for each part a plan of jobs, and the table of their figures."""

from typing import Final

from streamproc.tools.bench.runner import Suite
from streamproc.tools.bench.suites.bank import BANK
from streamproc.tools.bench.suites.intake import INTAKE
from streamproc.tools.bench.suites.labels import LABELS
from streamproc.tools.bench.suites.latency import LATENCY
from streamproc.tools.bench.suites.learning import LEARNING
from streamproc.tools.bench.suites.live import LIVE
from streamproc.tools.bench.suites.live_learning import LIVE_LEARNING
from streamproc.tools.bench.suites.models import MODELS
from streamproc.tools.bench.suites.peers import PEERS
from streamproc.tools.bench.suites.scale import SCALE
from streamproc.tools.bench.suites.slices import SLICES
from streamproc.tools.bench.suites.startup import STARTUP
from streamproc.tools.bench.suites.state import STATE

PARTS: Final[dict[str, Suite]] = {
    part.name: part
    for part in (
        PEERS,
        LIVE,
        SLICES,
        INTAKE,
        BANK,
        LATENCY,
        MODELS,
        LABELS,
        LEARNING,
        LIVE_LEARNING,
        SCALE,
        STARTUP,
        STATE,
    )
}
