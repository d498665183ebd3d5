import subprocess
import sys
from pathlib import Path

import pytest

from streamproc.broker.process import Child
from streamproc.tools.bench.process import BenchError, Job, finish
from streamproc.worker.subprocesses import environment


@pytest.mark.parametrize(
    "module",
    [
        "streamproc.detectors.evaluation.calibration.restarts",
        "streamproc.detectors.evaluation.calibration.categories",
        "streamproc.tools.bench.estimate_error",
    ],
)
def test_help_of_a_measurement_starts_nothing(module: str) -> None:
    """`--help` prints how the command is used, and computes nothing."""
    done = subprocess.run(  # noqa: S603  # our own modules
        [sys.executable, "-m", module, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: python -m {module} ")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("BenchError('use more --events')", "event to alert: use more --events"),
        ("ValueError('a fault')", "its output ends:\nTraceback"),
    ],
)
def test_a_measurement_that_ends_on_purpose_gives_its_reason(
    error: str, told: str, tmp_path: Path
) -> None:
    """Too few events are one line that says so; the traceback is kept for faults."""
    program = f"from streamproc.tools.bench.process import BenchError\nraise {error}\n"
    child = Child([sys.executable, "-c", program], tmp_path / "log", environment())
    with pytest.raises(BenchError) as caught:
        finish(Job("event to alert", "jobs.sink", {}, "sink"), child, tmp_path)

    assert told in str(caught.value)
    assert ("Traceback" in str(caught.value)) == ("Traceback" in told)
