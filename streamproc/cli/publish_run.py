"""Publish the rows of a file, show progress, and summarise the result."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from pathlib import Path

from streamproc.cli.columns import Roles
from streamproc.cli.peeked_rows import SAMPLE, PeekedRows, recognise
from streamproc.cli.progress import Bar
from streamproc.cli.publish_dry_run import ROWS as DRY_ROWS
from streamproc.cli.publish_dry_run import dry_run
from streamproc.cli.publish_summary import summary
from streamproc.cli.rejects import Rejects, rejects_to
from streamproc.cli.row_events import Event, RowEvents, RowReader
from streamproc.client import Publisher
from streamproc.client.settings import Source
from streamproc.errors import StreamprocError
from streamproc.kafka.errors import DeliveryError
from streamproc.kafka.quiet_logs import quiet_client
from streamproc.schemas.events import EventError
from streamproc.tabular import RowError, Table, open_table
from streamproc.tabular.event_times import EventTimes
from streamproc.tabular.file_format import DEFAULT, FileFormat
from streamproc.tabular.table import Reject
from streamproc.terminal import count, note, printable


class PublishError(StreamprocError):
    """Publishing a file ended before the file did; the message says after how many rows.

    Correct what it names and publish the rest of the file, or all of it once more.
    """


@dataclass(frozen=True)
class Job:
    """What to publish: the flags of ``streamproc publish``, as its help explains them."""

    file: Path
    model: str
    prediction: str | None = None
    label: str | None = None
    ts: str | None = None
    identity: str | None = None
    features: tuple[str, ...] | None = None
    label_delay: int = 0
    rate: float | None = None
    form: FileFormat = DEFAULT
    tz: tzinfo = UTC
    ts_format: str | None = None
    dry_run: bool = False
    skip_bad: Path | None = None

    def roles(self, columns: tuple[str, ...]) -> Roles:
        """Check the named columns against those of the file."""
        roles = Roles.choose(
            columns,
            self.features,
            prediction=self.prediction,
            label=self.label,
            ts=self.ts,
            identity=self.identity,
        )
        return replace(roles, ts_is_text=self.ts_format is not None)

    def reader(self, table: Table, roles: Roles) -> RowReader:
        """Return what makes the events of the file."""
        times = EventTimes(self.tz, self.ts_format)
        return RowReader(table.name, self.model, roles, self.label_delay, times)


@dataclass
class Sent:
    """How many rows have been sent, and how many labels with them."""

    rows: int = 0
    labels: int = 0


async def publish_file(job: Job, broker: str | None, config: Source) -> None:
    """Send the rows of a file, then print how many, and what its columns were taken for.

    Parameters
    ----------
    job
        What to send.
    broker
        Where to; None means what `config` says.
    config
        As in `Publisher`.

    Raises
    ------
    PublishError
        When a row is wrong, the cluster does not confirm, or somebody interrupts.
    StreamprocError
        When nothing could be sent at all.
    typer.BadParameter
        When the file has no such column.
    """
    publisher = None if job.dry_run else Publisher(broker, config=config)
    with (
        open_table(job.file, job.form) as table,
        rejects_to(None if job.dry_run else job.skip_bad) as rejects,
    ):
        roles = job.roles(table.columns)
        for text in table.notices:
            note(text)
        bad: list[str] = []
        rows = table.rows(roles.text, _reject(job, rejects, bad))
        peeked = PeekedRows(table, rows, DRY_ROWS if job.dry_run else SAMPLE)
        roles = recognise(table, peeked, roles)
        reader = job.reader(table, roles)
        if publisher is None:
            dry_run(table, peeked, roles, reader, bad)
            return
        sent = Sent()
        started = time.monotonic()
        with quiet_client():
            async with publisher:
                with _explained(sent):
                    await _send_all(publisher, table, peeked, reader, job, sent, rejects)
        if not sent.rows:
            raise RowError(f"{table.name} has columns and no rows: there is nothing to publish")
    _report(table, job, roles, sent, time.monotonic() - started)
    if rejects is not None and rejects.count:
        sys.stdout.write(f"{count(rejects.count, 'row')} skipped, see {job.skip_bad}\n")
    sys.stdout.write(f"{printable(summary(reader, roles))}\n")


def _reject(job: Job, rejects: Rejects | None, bad: list[str]) -> Reject | None:
    """Return where bad rows go: to a list of reasons in a dry run, which writes no file."""
    if job.dry_run:
        return lambda _line, reason, _row: bad.append(reason)
    return None if rejects is None else rejects.add


def _report(table: Table, job: Job, roles: Roles, sent: Sent, seconds: float) -> None:
    kind = "feature event" if roles.prediction is None else "prediction event"
    labels = f" and {count(sent.labels, 'label')}" if job.label else ""
    sys.stdout.write(
        f"{printable(table.name)}: {count(sent.rows, 'row')} sent as {count(sent.rows, kind)}"
        f"{labels} of {printable(job.model)} in {seconds:.1f} s"
        f" ({sent.rows / seconds:.0f} rows/s)\n"
    )


async def _send_all(
    publisher: Publisher,
    table: Table,
    rows: PeekedRows,
    reader: RowReader,
    job: Job,
    sent: Sent,
    rejects: Rejects | None,
) -> None:
    """Send what can be sent, and wait for it, whatever ends it."""
    try:
        await _send(publisher, table, rows, reader, job, sent, rejects)
    except DeliveryError:  # to wait for the rest would be to wait for the same again
        raise
    except BaseException:
        await publisher.flush()
        raise
    await publisher.flush()


async def _send(
    publisher: Publisher,
    table: Table,
    rows: PeekedRows,
    reader: RowReader,
    job: Job,
    sent: Sent,
    rejects: Rejects | None,
) -> None:
    started = time.monotonic()
    with Bar(table) as bar:
        for row in reader.events(rows, None if rejects is None else rejects.add):
            for event in row.events:
                if not await _send_one(publisher, table, row, event, rejects):
                    continue
                if "label" in event:
                    sent.labels += 1
                else:
                    sent.rows += 1
            bar.advance(sent.rows)
            if table.waits():  # the reading holds up the sending: first send what there is
                await publisher.flush()
            if job.rate is not None:
                await _pause(started + sent.rows / job.rate)


async def _send_one(
    publisher: Publisher, table: Table, row: RowEvents, event: Event, rejects: Rejects | None
) -> bool:
    """Send an event; return False if it was rejected."""
    try:
        await publisher.send(event)
    except EventError as error:
        wrong = RowError.at(table.name, row.line, str(error))
        if rejects is None:
            raise wrong from error
        rejects.add(row.line, str(wrong), event)
        return False
    return True


async def _pause(until: float) -> None:
    ahead = until - time.monotonic()
    if ahead > 0:
        await asyncio.sleep(ahead)


@contextmanager
def _explained(sent: Sent) -> Iterator[None]:
    """Say with every failure how many rows were sent before it."""
    try:
        yield
    except DeliveryError as error:
        rows = count(sent.rows, "row")
        raise PublishError(f"{error}\n{rows} had been handed over, not all confirmed") from error
    except StreamprocError as error:
        raise PublishError(f"{error}\n{count(sent.rows, 'row')} sent before that") from error
    except asyncio.CancelledError:
        note(f"interrupted: {count(sent.rows, 'row')} sent")
        raise
