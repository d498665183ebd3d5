"""What the tests of control hold."""

from faults.matrix import Site
from faults.suites import passed

ORDER = 20
FAULT = "unauthenticated or replayed control command"
PASSES = "refused, counted, no state change"


async def run(_: Site) -> str:
    """Run the tests."""
    return await passed("tests/control", "tests/worker/test_worker_control.py")
