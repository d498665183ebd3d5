"""Reads the control topic beside the slices, and has each command that is obeyed acted on."""

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
    """Everything on the control topic, from its start, and what comes.

    Parameters
    ----------
    config
        The whole configuration; its `control` is set.
    metrics
        What is counted.
    verbs
        What is obeyed.
    clock
        Seconds since 1970.

    Raises
    ------
    ConfigError
        If the secret is not where the configuration says.
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
        self._old: int | None = None  # the end when this worker started

    async def run(self) -> None:
        """Read until cancelled; a cluster that is away for a while is waited for."""
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
        """Obey a record, or refuse it."""
        found = self._gate.check(value, datetime.fromtimestamp(self._clock(), UTC))
        if not isinstance(found, Refusal):
            await self._act(*found)
        elif self._old is None or offset >= self._old:  # else it was counted when it came
            self._metrics.refused(found.reason.value)
            _log.warning(
                "refused the command at %s offset %d: %s: %s",
                *(self._partition.topic, offset, found.reason.value, found.detail),
            )

    async def _act(self, command: Command, verb: CommandHandler, payload: Section) -> None:
        _log.info("running command %s of %s", verb.name, command.id)
        try:
            await verb.act(command, payload)
        except Exception:  # noqa: BLE001  whatever it is: no command ends a worker
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
    """Obey commands until the block ends; without `control` in the config, none.

    Parameters
    ----------
    config, metrics
        As in `ControlReader`.
    failed
        Called with what ended the reading before the block.
    verbs
        What is obeyed.

    Raises
    ------
    ConfigError
        If the secret is not where the configuration says.
    """
    if config.control is None:
        yield
        return
    metrics.verbs((verb.name, verb.outcome) for verb in verbs)
    task = asyncio.create_task(ControlReader(config, metrics, CommandHandlers(*verbs)).run())
    task.add_done_callback(lambda done: _tell(done, failed))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _tell(task: "asyncio.Task[None]", failed: Callable[[BaseException], None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        failed(error)
