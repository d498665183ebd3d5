"""Read the incidents across models, and wait for changes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer

from streamproc.errors import StreamprocError
from streamproc.incidents.records import StoredBook, StoredValues
from streamproc.kafka.clients import REQUEST_SECONDS, open_consumer
from streamproc.kafka.errors import BrokerUnreachableError, TopicError
from streamproc.kafka.topics import has_topic
from streamproc.schemas.incidents import IncidentState
from streamproc.schemas.notification_groups import GROUP_KEY

if TYPE_CHECKING:  # slow to load: clients do so only when they need a configuration
    from streamproc.config.config import Config

_POLL_MS = 500
MIN_PREFIX = 4
"""Letters of an id that are needed to find what it names."""


class UnknownIncidentError(StreamprocError):
    """No incident has this id; the message says how to list them."""


class IncidentTopic:
    """The incidents and silences on the topic, as far as it was read.

    Attributes
    ----------
    values : StoredValues
        Incidents and silences by their keys.
    """

    def __init__(self, config: "Config", consumer: AIOKafkaConsumer) -> None:
        self._config = config
        self._consumer = consumer
        self._book = StoredBook()
        self.values = StoredValues()

    async def read_to_end(self) -> None:
        """Read what is on the topic now.

        Raises
        ------
        BrokerUnreachableError
            If the cluster stops answering.
        """
        ends = await self._consumer.end_offsets(self._consumer.assignment())
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                while any([await self._consumer.position(tp) < ends[tp] for tp in ends]):
                    await self._poll()
        except TimeoutError as error:
            raise BrokerUnreachableError(
                f"{self._config.broker} stopped answering before the end of the incidents: check"
                " that the cluster is up"
            ) from error

    async def wait_for(self, true: Callable[[StoredValues], bool], seconds: float) -> bool:
        """Follow the topic until something holds; return whether it did in time."""
        try:
            async with asyncio.timeout(seconds):
                while not true(self.values):
                    await self._poll()
        except TimeoutError:
            return False
        return True

    def find(self, text: str) -> IncidentState:
        """Return the incident with an id, or that of a member, or the beginning of one.

        Raises
        ------
        UnknownIncidentError
            If there is none, or more than one; the message names the incidents of a group.
        """
        found = {
            incident.incident_id: incident
            for incident in self.values.incidents.values()
            if any(
                each == text or (len(text) >= MIN_PREFIX and each.startswith(text))
                for each in (incident.incident_id, *(one.incident_id for one in incident.members))
            )
        }
        if len(found) == 1:
            return next(iter(found.values()))
        group = None if found else self.values.groups.get(GROUP_KEY + text)
        if group is not None:
            known = (one for one in self.values.grouped.values() if one.group_id == text)
            ids = ", ".join(each.incident_id for each in (*known,) or group.shown)
            raise UnknownIncidentError(
                f"{text!r} is a group, which sink {group.sink} got as one notification: name one"
                f" of its incidents, {ids}"
            )
        what = f"{len(found)} incidents begin with" if found else "no incident is called"
        short = f", and the first {MIN_PREFIX} letters are needed" if len(text) < MIN_PREFIX else ""
        raise UnknownIncidentError(f"{what} {text!r}{short}: list them with `streamproc incidents`")

    async def _poll(self) -> None:
        for records in (await self._consumer.getmany(timeout_ms=_POLL_MS)).values():
            self.values.update(self._book.feed(records))


@asynccontextmanager
async def open_incidents(config: "Config") -> AsyncIterator[IncidentTopic]:
    """Read the topic `incidents` to its end; it can be followed until the block ends.

    Raises
    ------
    BrokerUnreachableError, BrokerAuthError
        If the cluster does not answer, or rejects the login.
    TopicError
        If the topic does not exist.
    """
    name = config.topics.full_name("incidents")
    if not await has_topic(config, name):
        raise TopicError(f"{config.broker} has no topic {name!r}: no worker has run on it yet")
    async with open_consumer(config, name) as consumer:
        topic = IncidentTopic(config, consumer)
        await topic.read_to_end()
        yield topic
