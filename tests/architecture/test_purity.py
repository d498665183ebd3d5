from pathlib import Path

import pytest
from architecture.purity import impurities

ROOT = Path(__file__).parents[2]
PURE = (
    "detectors",
    "streamproc/schemas",
    "streamproc/config",
    "streamproc/control",
    "streamproc/incidents",
    "streamproc/decode",
    "streamproc/join",
    "streamproc/detect",
    "streamproc/state",
    "streamproc/alerting",
    "streamproc/performance",
    "streamproc/online",
    "streamproc/pipeline",
)
# The configuration's edge: secrets may come from the environment.
ENVIRONMENT_READERS = {"streamproc/config"}
MAX_LINES = 400


def _sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", _sources(*PURE), ids=lambda path: str(path.relative_to(ROOT)))
def test_pure_code_calls_nothing_impure(path: Path) -> None:
    """Detectors, core and contract read no clock, draw no unseeded number, print nothing."""
    found = impurities(path.read_text())
    if str(path.parent.relative_to(ROOT)) in ENVIRONMENT_READERS:
        found = [line for line in found if "os.environ" not in line and "os.getenv" not in line]
    assert found == []


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("datetime.now(UTC)", "reads the clock"),
        ("field(default_factory=datetime.datetime.utcnow)", "reads the clock"),
        ("date.today()", "reads the clock"),
        ("np.random.normal()", "global chance"),
        ("numpy.random.default_rng()", "without a seed"),
        ("from numpy.random import normal", "global chance"),
        ("uuid.uuid4()", "chance"),
        ("from uuid import uuid4", "chance"),
        ("os.urandom(8)", "depends on the process"),
        ("hash('a')", "differs from process to process"),
        ("print('a')", "writes"),
    ],
)
def test_the_check_finds(source: str, reason: str) -> None:
    """The check reports this impure line, so that its silence elsewhere means something."""
    (line,) = impurities(source)
    assert line.startswith("line 1: ")
    assert reason in line


@pytest.mark.parametrize(
    "source",
    [
        "datetime.fromtimestamp(ts, UTC)",
        "from datetime import UTC, datetime",
        "np.random.default_rng(7)",
        "def f(rng: np.random.Generator) -> None: rng.normal()",
        "hashlib.sha256(data)",
        "self.now",
    ],
)
def test_the_check_allows(source: str) -> None:
    """Types, conversions and seeded generators are not taken for clocks or chance."""
    assert impurities(source) == []


@pytest.mark.parametrize("folder", ["detectors", "streamproc", "tests"])
def test_files_are_short(folder: str) -> None:
    """No file is longer than 400 lines: a longer one does more than one thing."""
    sources = _sources(folder)
    assert sources
    lengths = {path: len(path.read_text().splitlines()) for path in sources}
    assert [str(path) for path, length in lengths.items() if length > MAX_LINES] == []
