"""`python -m streamproc.detectors.evaluation.scoreboard`: measure six tables, write the report."""

import argparse
import json
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from streamproc.detectors.evaluation.scoreboard import (
    cost,
    false_alarms,
    friedman,
    parity,
    plots,
    power,
    real,
)
from streamproc.detectors.evaluation.scoreboard.peers import environments, process
from streamproc.detectors.evaluation.scoreboard.peers.environments import Peers
from streamproc.detectors.evaluation.scoreboard.result import Notify, Result, markdown, plain
from streamproc.detectors.evaluation.scoreboard.trial_cache import TrialCache

TABLES = (1, 2, 3, 4, 5, 6)
POWER, FRIEDMAN, REAL, COST = 3, 4, 5, 6
"""Tables that need more than a size: peers, trials to keep, data from elsewhere, a clock."""
TITLES = {
    1: parity.TITLE,
    2: false_alarms.TITLE,
    3: power.TITLE,
    4: friedman.TITLE,
    5: real.TITLE,
    6: cost.TITLE,
}


def measure(given: argparse.Namespace, notify: Notify, number: int, peers: Peers) -> Result:
    """Measure one table."""
    full: bool = given.full
    if number == POWER:
        return power.run(full=full, notify=notify, peers=peers)
    if number == REAL:
        return real.run(
            full=full,
            notify=notify,
            data=given.data,
            trials=given.trials,
            cache=TrialCache(given.keep),
        )
    if number == FRIEDMAN:
        return friedman.run(
            full=full, notify=notify, trials=given.trials, cache=TrialCache(given.keep)
        )
    if number == COST:
        return cost.run(full=full, notify=notify, clock=time.process_time, peers=peers)
    run = {1: parity.run, 2: false_alarms.run}[number]
    return run(full=full, notify=notify)


def report(results: Sequence[Result], mode: str, pictures: Sequence[Path]) -> str:
    """Write all tables as one Markdown document."""
    head = [
        "# Scoreboard of the detectors",
        "",
        (
            f"`python -m streamproc.detectors.evaluation.scoreboard --{mode}`, Python "
            f"{platform.python_version()}. "
            "Bold: the "
            "leader of a column. Seeds are in `detectors/evaluation/scoreboard/heldout_seeds.py`."
        ),
        "",
    ]
    if not plots.possible():
        head += ["No plots: matplotlib is not installed (the extra `plots` has it).", ""]
    body = [markdown(result) for result in results]
    return "\n".join([*head, *body, *(f"![{p.stem}]({p.name})\n" for p in pictures)])


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m streamproc.detectors.evaluation.scoreboard",
        description="Compare the detectors with River's, an oracle and doing nothing. "
        "Example: python -m streamproc.detectors.evaluation.scoreboard --quick --out report",
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="under two minutes (the default)")
    size.add_argument("--full", action="store_true", help="all trials: hours")
    parser.add_argument("--table", type=int, action="append", choices=TABLES, help="only this one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write report.md and plots there")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", default=Path("../shared/data"), help="of table 5"
    )
    parser.add_argument(
        "--trials", type=int, metavar="N", help="of tables 4 (not 6 or 1,000) and 5 (not 1 or 50)"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep trials of tables 4 and 5 there, and go on"
    )
    parser.add_argument(
        "--peers",
        type=Path,
        metavar="DIR",
        help="environments of Frouros, Menelaus and CapyMOA (else ~/.cache/detectors/peers)",
    )
    parser.add_argument("--install-peers", action="store_true", help="make them, and end")
    return parser.parse_args(arguments)


def install(directory: Path, console: Console) -> int:
    """Install the peers; returns the exit code."""
    failed = environments.install(directory, console.print, process.run)
    for peer, why in failed.items():
        console.print(f"{peer} is not installed: {why}")
    return 1 if failed else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    given = parsed(arguments)
    directory = environments.folder(given.peers)
    if given.install_peers:
        return install(directory, Console(stderr=True))
    peers = environments.installed(directory)
    wanted = sorted(set(given.table or TABLES))
    results, started = [], time.perf_counter()
    columns = (SpinnerColumn(), *Progress.get_default_columns(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[step]}"), console=Console(stderr=True)) as bar:
        task = bar.add_task("scoreboard", total=len(wanted), step="")
        for number in wanted:
            bar.update(task, description=f"{number}. {TITLES[number]}")
            results.append(measure(given, lambda step: bar.update(task, step=step), number, peers))
            bar.advance(task)
    peers.close()
    mode = "full" if given.full else "quick"
    pictures: list[Path] = []
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        if plots.possible():
            pictures = [p for result in results for p in plots.figures(result, given.out)]
        (given.out / "report.md").write_text(report(results, mode, pictures), "utf-8")
    if given.json:
        numbers = {"mode": mode, "tables": [plain(result) for result in results]}
        given.json.write_text(json.dumps(numbers, indent=1, ensure_ascii=False) + "\n", "utf-8")
    if not given.out:
        sys.stdout.write(report(results, mode, ()) + "\n")
    Console(stderr=True).print(f"{time.perf_counter() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
