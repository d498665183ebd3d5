"""Read the state of all series from snapshots, or from a file of events, and print it."""

import json
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from streamproc.cli.budget_summary import budget_summary
from streamproc.cli.tables import new_table, print_table
from streamproc.config.config import Config
from streamproc.decode.event_schema import Topic
from streamproc.kafka.quiet_logs import quiet_client
from streamproc.monitor import Monitor
from streamproc.pipeline.budget_watch import BudgetWatch
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.pipeline.series_status import series_statuses
from streamproc.schemas.segment_series import in_segment
from streamproc.schemas.series_status import SeriesStatus
from streamproc.state.snapshot_format import SnapshotError
from streamproc.tabular.errors import RowError
from streamproc.tabular.stream import Stream
from streamproc.terminal import note, printable
from streamproc.worker.snapshots.monitor_codec import MonitorCodec
from streamproc.worker.snapshots.reading import read_snapshots
from streamproc.worker.snapshots.records import SnapshotSet

_STYLE: Final = {
    "learning": "cyan",
    "watched": "green",
    "blind": "bold yellow",
    "firing": "bold red",
    "settled": "yellow",
    "unwatched": "bold yellow",
}


async def of_snapshots(config: Config) -> list[SeriesStatus]:
    """Return the status of all series in the newest snapshots of the group."""
    codec, found = MonitorCodec(config), list[SeriesStatus]()
    sources = {config.topics.full_name(kind.value) for kind in Topic}
    with quiet_client():
        snapshots = await read_snapshots(config)
    if not snapshots:
        note(f"no snapshot of group {config.group} yet: is a worker running?")
    budgets: list[BudgetWatch] = []
    for (topic, partition), candidates in sorted(snapshots.items()):
        shard = _newest(codec, (topic, partition), candidates) if topic in sources else None
        if shard is not None:
            found += series_statuses(shard, topic, partition)
            budgets += [] if shard.budget is None else [shard.budget]
    if config.budget is not None:
        note(budget_summary(config.budget, budgets))
    return found


def of_file(config: Config, path: Path) -> list[SeriesStatus]:
    """Return the status of all series after the events of a file, a JSON object a line.

    Raises
    ------
    RowError
        If the file cannot be read, or a line is not an object.
    """
    monitor = Monitor(config)
    monitor.process(_events(path))
    if config.budget is not None:
        shards = monitor.shards.values()
        note(budget_summary(config.budget, [each.budget for each in shards if each.budget]))
    return [
        status
        for (topic, partition), shard in sorted(monitor.shards.items())
        for status in series_statuses(shard, topic, partition, ended=True)
    ]


def print_statuses(found: Iterable[SeriesStatus], model: str, *, as_json: bool) -> None:
    """Print the series of the models that a glob matches, as a table or as JSON."""
    wanted = [status for status in found if fnmatchcase(status.model_id, model)]
    wanted.sort(key=_order)
    if as_json:
        for status in wanted:
            sys.stdout.write(status.to_json().decode() + "\n")
        return
    table = new_table("model", "series", "state", "character", "values", "incident")
    for status in wanted:
        learned = min(status.values, status.needed)
        short = status.state in {"learning", "blind"}
        table.add_row(
            printable(status.model_id),
            printable(status.series + in_segment(status.segment)),
            Text(status.state, _STYLE[status.state]),
            status.character,
            f"{learned} of {status.needed}" if short else str(status.values),
            (status.incident_id or "")[:12],
        )
    print_table(table, f"no snapshot has a series of a model that matches {model!r}")


def _order(status: SeriesStatus) -> tuple[str, str, str, str]:
    return status.model_id, status.topic, status.series, in_segment(status.segment)


def _newest(
    codec: MonitorCodec, partition: tuple[str, int], snapshots: SnapshotSet
) -> PartitionMonitor | None:
    """Return the state of the newest snapshot that can be used."""
    for candidate in snapshots.found():
        try:
            return codec.decode(snapshots.assemble(candidate), partition).state
        except SnapshotError as error:
            note(f"a snapshot of {partition[0]}-{partition[1]} cannot be used: {error}")
    return None


def _events(path: Path) -> Iterator[dict[str, Any]]:
    stream = Stream(path)
    try:
        for number, line in enumerate(stream.data, 1):
            if line.strip():
                yield _event(line, f"{stream.name}:{number}")
    finally:
        stream.close()


def _event(line: bytes, place: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError as error:
        raise RowError(f"{place}: not JSON: {error}") from error
    if not isinstance(event, dict):
        raise RowError(f"{place}: expected an event, which is a JSON object")
    return event
