"""Workers are killed while online models learn."""

from faults.matrix import Site
from faults.suites import passed

ORDER = 9.6
FAULT = "SIGKILL of a worker in the middle of learning, at three moments"
PASSES = "answers, steps and the model's state equal those of an uninterrupted run"


async def run(_: Site) -> str:
    """Run the tests."""
    return await passed("tests/worker/test_worker_learns_kafka.py")
