"""Print how many tests passed, failed and were skipped over all test reports.

``total.py FAILED REPORT...``: FAILED is 1 when any step failed, be it a test or not.
"""

import sys
from pathlib import Path
from xml.etree import ElementTree as ET


def main(step_failed: bool, reports: list[Path]) -> str:
    """Return the closing line; a step that failed without a failed test counts as one."""
    ran = failed = skipped = 0
    for report in reports:
        for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314  our own file
            ran += int(suite.get("tests", 0))
            failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped += int(suite.get("skipped", 0))
    passed = max(ran - failed - skipped, 0)
    failed = max(failed, int(step_failed))
    return f"{passed} passed, {failed} failed, {skipped} skipped"


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1] == "1", [Path(name) for name in sys.argv[2:]]) + "\n")
