# noqa: INP001  a program by itself
"""Print how many tests passed, failed and were skipped over all test reports.

``total.py STEPS REPORT...``: STEPS is how many steps failed, for whatever reason.
"""

import sys
from pathlib import Path
from xml.etree import ElementTree as ET


def closing_line(failed_steps: int, reports: list[Path]) -> str:
    """Count over all reports; steps that failed without a failed test count as failed tests."""
    ran = failed = skipped = 0
    for report in reports:
        for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314  our own file
            ran += int(suite.get("tests", 0))
            failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped += int(suite.get("skipped", 0))
    passed = max(ran - failed - skipped, 0)
    failed = max(failed, failed_steps)
    return f"{passed} passed, {failed} failed, {skipped} skipped"


if __name__ == "__main__":
    line = closing_line(int(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
    sys.stdout.write(f"{line}\n")
