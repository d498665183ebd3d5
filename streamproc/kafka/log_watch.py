"""Detect fetches that may be from a replaced log, or that skip a part of it."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, errors
from aiokafka.client import ConnectionGroup
from aiokafka.protocol.fetch import FetchRequest

__all__ = ["Doubt", "LogWatch"]

Partition = tuple[str, int]

_OUT_OF_RANGE: Final = errors.OffsetOutOfRangeError.errno


class Doubt(NamedTuple):
    """Why the next records of a partition may not follow the previous ones.

    Attributes
    ----------
    suspect
        Whether the log may have been replaced: its leader or the connection to it changed, or a
        fetch returned an error.
    out_of_range
        Requested offset that the log did not have, so that the client was reset to its beginning;
        None if there was none.
    """

    suspect: bool = False
    out_of_range: int | None = None


_NO_DOUBT: Final = Doubt()


class LogWatch:
    """Watch the fetches of a consumer.

    A broker that restarts with other data closes its connections, and a new leader uses another
    one: so a log is checked when its connection changes, and not with each fetch.

    Parameters
    ----------
    consumer
        A consumer, started or not.

    Notes
    -----
    The consumer may run in another thread than the caller: only atomic operations on dictionaries
    and lists are used.
    """

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._client: Any = consumer._client  # noqa: SLF001
        self._send = self._client.send
        self._routes: dict[Partition, Any] = {}  # connection of the last response
        self._suspects: dict[Partition, list[int]] = {}
        self._out_of_range: dict[Partition, int] = {}
        self._client.send = self._watched

    def take(self, partition: Partition, first_offset: int) -> Doubt:
        """Return and clear the doubt about records that begin at an offset."""
        if not self._out_of_range and not self._suspects.get(partition):
            return _NO_DOUBT
        out_of_range = self._out_of_range.pop(partition, None)
        waiting = self._suspects.get(partition, [])
        reached = [at for at in waiting if at <= first_offset or out_of_range is not None]
        for at in reached:
            waiting.remove(at)
        return Doubt(bool(reached) or out_of_range is not None, out_of_range)

    def was_reset(self, partition: Partition) -> bool:
        """Whether the client was reset to the beginning of a partition since the last `take`."""
        return partition in self._out_of_range

    def forget(self, partition: Partition) -> None:
        """Clear the doubt about a partition, whose log was checked and position set."""
        self._suspects.pop(partition, None)
        self._out_of_range.pop(partition, None)

    async def _watched(self, node_id: Any, request: Any, **options: Any) -> Any:
        if not isinstance(request, FetchRequest):
            return await self._send(node_id, request, **options)
        offsets = dict(_offsets(request))
        try:
            response = await self._send(node_id, request, **options)
        except errors.KafkaError:
            self._routes.update(dict.fromkeys(offsets.keys() & self._routes.keys()))
            raise
        route = self._client._conns.get((node_id, ConnectionGroup.DEFAULT))  # noqa: SLF001
        for topic, parts in response.topics:
            for number, code, *_ in parts:
                self._answered((topic, number), offsets.get((topic, number), 0), code, route)
        return response

    def _answered(self, partition: Partition, offset: int, code: int, route: Any) -> None:
        changed = self._routes.setdefault(partition, route) is not route
        if changed or code:
            self._routes[partition] = route
            waiting = self._suspects.setdefault(partition, [])
            if offset not in waiting:
                waiting.append(offset)
        if code == _OUT_OF_RANGE:
            self._out_of_range.setdefault(partition, offset)


def _offsets(request: Any) -> Iterator[tuple[Partition, int]]:
    for topic, parts in request.topics:
        for number, offset, *_ in parts:
            yield (topic, number), offset
