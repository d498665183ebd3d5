"""What the tests of specs hold."""

from faults.matrix import Site
from faults.suites import passed

ORDER = 18
FAULT = "hostile model spec (dotted path outside of the allow-list, pickle in any topic)"
PASSES = "refused before import; a canary file is not created"


async def run(_: Site) -> str:
    """Run the tests."""
    return await passed("tests/worker/test_canary.py")
