"""Publish the rows of a file, show progress, and summarise the result."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from streamproc.cli.columns import Roles
from streamproc.cli.progress import Bar
from streamproc.cli.row_events import Event, RowEvents, RowReader
from streamproc.client import Publisher
from streamproc.client.settings import Source
from streamproc.errors import StreamprocError
from streamproc.kafka.errors import DeliveryError
from streamproc.kafka.quiet_logs import quiet_client
from streamproc.schemas.events import EventError
from streamproc.tabular import RowError, Table, open_table
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

    def roles(self, columns: tuple[str, ...]) -> Roles:
        """Check the named columns against those of the file."""
        return Roles.choose(
            columns,
            self.features,
            prediction=self.prediction,
            label=self.label,
            ts=self.ts,
            identity=self.identity,
        )


@dataclass
class Sent:
    """How many rows have been sent, and how many labels with them."""

    rows: int = 0
    labels: int = 0


async def publish_file(job: Job, broker: str | None, config: Source) -> None:
    """Send the rows of a file, then print one line that says how many.

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
    publisher = Publisher(broker, config=config)
    sent = Sent()
    started = time.monotonic()
    with open_table(job.file) as table:
        roles = job.roles(table.columns)
        if table.notice:
            note(table.notice)
        with quiet_client():
            async with publisher:
                with _explained(sent):
                    await _send_all(publisher, table, job, roles, sent)
        if not sent.rows:
            raise RowError(f"{table.name} has columns and no rows: there is nothing to publish")
    kind = "feature event" if roles.prediction is None else "prediction event"
    labels = f" and {count(sent.labels, 'label')}" if job.label else ""
    seconds = time.monotonic() - started
    sys.stdout.write(
        f"{printable(table.name)}: {count(sent.rows, 'row')} sent as {count(sent.rows, kind)}"
        f"{labels} of {printable(job.model)} in {seconds:.1f} s"
        f" ({sent.rows / seconds:.0f} rows/s)\n"
    )


async def _send_all(publisher: Publisher, table: Table, job: Job, roles: Roles, sent: Sent) -> None:
    """Send what can be sent, and wait for it, whatever ends it."""
    try:
        await _send(publisher, table, job, roles, sent)
    except DeliveryError:  # to wait for the rest would be to wait for the same again
        raise
    except BaseException:
        await publisher.flush()
        raise
    await publisher.flush()


async def _send(publisher: Publisher, table: Table, job: Job, roles: Roles, sent: Sent) -> None:
    reader = RowReader(table.name, job.model, roles, job.label_delay)
    started = time.monotonic()
    with Bar(table) as bar:
        for row in reader.events(table.rows(roles.text)):
            for event in row.events:
                await _send_one(publisher, table, row, event)
                if "label" in event:
                    sent.labels += 1
                else:
                    sent.rows += 1
            bar.advance(sent.rows)
            if table.waits():  # the reading holds up the sending: first send what there is
                await publisher.flush()
            if job.rate is not None:
                await _pause(started + sent.rows / job.rate)


async def _send_one(publisher: Publisher, table: Table, row: RowEvents, event: Event) -> None:
    try:
        await publisher.send(event)
    except EventError as error:
        raise RowError.at(table.name, row.line, str(error)) from error


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
