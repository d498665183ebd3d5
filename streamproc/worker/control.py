"""Read the control topic and run the commands that pass verification."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition, errors

from streamproc.config.config import Config
from streamproc.control.command import Command, Refusal
from streamproc.control.handlers import CommandHandler, CommandHandlers
from streamproc.control.validator import CommandValidator
from streamproc.kafka.clients import open_consumer
from streamproc.kafka.errors import BrokerError
from streamproc.schemas.records import UnreadableRecord
from streamproc.schemas.section import Section
from streamproc.worker.metrics import Metrics

RETRY_SECONDS: Final = 5.0
_POLL_MS: Final = 1000

_log = logging.getLogger(__name__)


class ControlReader:
    """Read the control topic from its start, and follow it.

    Parameters
    ----------
    config
        The whole configuration, with `control`.
    metrics
        What is counted.
    verbs
        Handlers of the supported commands.
    clock
        Seconds since 1970.

    Raises
    ------
    ConfigError
        If the secret cannot be read from the configured source.
    """

    def __init__(
        self,
        config: Config,
        metrics: Metrics,
        verbs: CommandHandlers,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if config.control is None:
            raise ValueError("no commands are configured")
        topic = config.topics.full_name("control")
        self._config = config
        self._metrics = metrics
        self._clock = clock
        self._gate = CommandValidator(topic, config.control.secret(), verbs)
        # Commands use partition 0 only: Kafka orders records within a partition.
        self._partition = TopicPartition(topic, 0)
        self._next = 0
        self._old: int | None = None  # end offset when this worker started

    async def run(self) -> None:
        """Read until cancelled; retry while the cluster is unreachable."""
        while True:
            try:
                async with open_consumer(self._config) as consumer:
                    await self._read(consumer)
            except (errors.KafkaError, BrokerError, OSError) as error:
                _log.warning(
                    "cannot read topic %s: retrying in %.0f s (%s)",
                    *(self._partition.topic, RETRY_SECONDS, error),
                )
                await asyncio.sleep(RETRY_SECONDS)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        consumer.assign([self._partition])
        if self._old is None:
            self._old = (await consumer.end_offsets([self._partition]))[self._partition]
        begin = (await consumer.beginning_offsets([self._partition]))[self._partition]
        consumer.seek(self._partition, max(begin, self._next))
        while True:
            for batch in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
                for record in batch:
                    self._next = record.offset + 1
                    if isinstance(record, UnreadableRecord):
                        _log.warning("skipped %s", record)
                    await self.take(record.value or b"", record.offset)

    async def take(self, value: bytes, offset: int) -> None:
        """Verify a record and run its command, or refuse it."""
        found = self._gate.check(value, datetime.fromtimestamp(self._clock(), UTC))
        if not isinstance(found, Refusal):
            await self._act(*found)
        elif self._old is None or offset >= self._old:  # earlier ones were counted on arrival
            self._metrics.refused(found.reason.value)
            _log.warning(
                "refused the command at %s offset %d: %s: %s",
                *(self._partition.topic, offset, found.reason.value, found.detail),
            )

    async def _act(self, command: Command, verb: CommandHandler, payload: Section) -> None:
        _log.info("running command %s of %s", verb.name, command.id)
        try:
            await verb.act(command, payload)
        except Exception:  # noqa: BLE001  a failed command must not stop the worker
            _log.exception("command %s of %s failed", verb.name, command.id)
            self._metrics.obeyed(verb.name, "failed")
        else:
            self._metrics.obeyed(verb.name, verb.outcome)


@asynccontextmanager
async def serving_commands(
    config: Config,
    metrics: Metrics,
    failed: Callable[[BaseException], None],
    *verbs: CommandHandler,
) -> AsyncIterator[None]:
    """Run commands until the block ends; do nothing if `control` is not configured.

    Parameters
    ----------
    config, metrics
        As in `ControlReader`.
    failed
        Called with the error that ended the reading early.
    verbs
        Handlers of the supported commands.

    Raises
    ------
    ConfigError
        If the secret cannot be read from the configured source.
    """
    if config.control is None:
        yield
        return
    metrics.verbs((verb.name, verb.outcome) for verb in verbs)
    task = asyncio.create_task(ControlReader(config, metrics, CommandHandlers(*verbs)).run())
    task.add_done_callback(lambda done: _report_failure(done, failed))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _report_failure(task: "asyncio.Task[None]", failed: Callable[[BaseException], None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        failed(error)
