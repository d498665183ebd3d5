"""What is measured: for each part a plan of jobs, and the table of their figures."""

from typing import Final

from streamproc.bench.lab import Part
from streamproc.bench.parts.bank import BANK
from streamproc.bench.parts.labels import LABELS
from streamproc.bench.parts.latency import LATENCY
from streamproc.bench.parts.learning import LEARNING
from streamproc.bench.parts.models import MODELS
from streamproc.bench.parts.peers import PEERS
from streamproc.bench.parts.scale import SCALE
from streamproc.bench.parts.startup import STARTUP
from streamproc.bench.parts.state import STATE

PARTS: Final[dict[str, Part]] = {
    part.name: part
    for part in (PEERS, BANK, LATENCY, MODELS, LABELS, LEARNING, SCALE, STARTUP, STATE)
}
