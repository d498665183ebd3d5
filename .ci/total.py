# noqa: INP001  a program by itself
"""Print the slowest tests, those that failed, and how many passed, failed and were skipped.

``total.py STEPS REPORT...``: STEPS is how many steps failed, for whatever reason.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

SLOWEST: Final = 20
MESSAGE_CHARACTERS: Final = 500


def main(arguments: Sequence[str]) -> None:
    """Print the lines that close a run."""
    suites = [
        suite
        for report in arguments[1:]
        for suite in ET.parse(Path(report)).getroot().iter("testsuite")  # noqa: S314  our own file
    ]
    lines = (
        *slowest_tests(suites),
        *failed_tests(suites),
        closing_line(int(arguments[0]), suites),
    )
    for line in lines:
        sys.stdout.write(f"{line}\n")


def slowest_tests(suites: Sequence[ET.Element]) -> Iterator[str]:
    """Give a line for each of the slowest tests, set-up and tear-down included."""
    cases = [case for suite in suites for case in suite.iter("testcase")]
    cases.sort(key=lambda case: -float(case.get("time", 0)))
    if cases:
        yield f"the slowest {min(SLOWEST, len(cases))} of {len(cases)} tests, in seconds:"
    for case in cases[:SLOWEST]:
        yield f"{float(case.get('time', 0)):8.1f}  {case.get('classname')}::{case.get('name')}"


def failed_tests(suites: Sequence[ET.Element]) -> Iterator[str]:
    """Give a line for each test that failed, with the start of its message."""
    for case in (case for suite in suites for case in suite.iter("testcase")):
        for failure in (*case.findall("failure"), *case.findall("error")):
            message = " ".join(failure.get("message", "").split())[:MESSAGE_CHARACTERS]
            yield f"failed: {case.get('classname')}::{case.get('name')}: {message}"


def closing_line(failed_steps: int, suites: Sequence[ET.Element]) -> str:
    """Count over all reports; steps that failed without a failed test count as failed tests."""
    ran, failed, errors, skipped = (
        sum(int(suite.get(name, 0)) for suite in suites)
        for name in ("tests", "failures", "errors", "skipped")
    )
    failed += errors
    passed = max(ran - failed - skipped, 0)
    return f"{passed} passed, {max(failed, failed_steps)} failed, {skipped} skipped"


if __name__ == "__main__":
    main(sys.argv[1:])
