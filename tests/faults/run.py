"""Every fault of the matrix, one after another, on an Apache Kafka of its own.

``python tests/faults/run.py`` prints a line a row and ends with 1 if a row fails. ``--nightly``
runs the rows at their full length; ``--write docs/faults.md`` puts the table there.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

if __package__ in (None, ""):  # run as a program: let the tests' modules be found
    HERE = Path(__file__).parents[1]
    sys.path[:0] = [str(HERE), str(HERE.parent)]

from apache.kafka import KafkaUnavailableError, check
from faults.brokers import running
from faults.matrix import Row, Verdict, rows, verdicts
from faults.table import put


def main() -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("rows", nargs="*", help="names of rows; none: all")
    parser.add_argument("--nightly", action="store_true", help="at their full length: hours")
    parser.add_argument("--seconds", type=int, help="that `hour` lasts, to try it")
    parser.add_argument("--seed", type=int, default=1, help="chooses every moment and number")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put these rows into its table")
    parser.add_argument("--list", action="store_true", help="print the rows and end")
    options = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it tells of each try
    chosen = rows(options.rows)
    if options.list:
        for row in chosen:
            sys.stdout.write(f"{row.name:<12} {row.fault}\n")
        return 0
    try:
        check()
    except KafkaUnavailableError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    found = asyncio.run(_run(chosen, options))
    failed = [each for each in found if each.verdict == "FAIL"]
    sys.stdout.write(f"{len(found)} rows, {len(failed)} failed\n")
    return 1 if failed else 0


async def _run(chosen: list[Row], options: argparse.Namespace) -> list[Verdict]:
    found: list[Verdict] = []
    with tempfile.TemporaryDirectory(prefix="streamproc-faults-") as folder:
        place = Path(folder)
        with running(place / "kafka") as broker:
            async for verdict in verdicts(
                *(chosen, broker, place, options.seed),
                nightly=options.nightly,
                seconds=options.seconds,
            ):
                sys.stdout.write(f"{verdict.line()}\n")
                sys.stdout.flush()
                if options.write:  # after each row: an interruption loses one at most
                    ran = [(chosen[len(found)], verdict)]
                    put(options.write, ran, datetime.now(UTC), nightly=options.nightly)
                found.append(verdict)
    return found


if __name__ == "__main__":
    sys.exit(main())
