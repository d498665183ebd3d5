"""What the tests of targets hold."""

from faults.matrix import Site
from faults.suites import passed

ORDER = 19
FAULT = "webhook to loopback, link-local, a redirect, DNS rebinding"
PASSES = "no connection is made"


async def run(_: Site) -> str:
    """Run the tests."""
    return await passed("tests/sinks")
