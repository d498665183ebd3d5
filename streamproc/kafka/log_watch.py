"""Detect fetches that may be from a replaced log, or that skip a part of it."""

from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, errors
from aiokafka.protocol.fetch import FetchRequest

from streamproc.kafka.compat import Send, client_of, connection_to, intercept_requests
from streamproc.kafka.repeated_fetch import requested_offsets

__all__ = ["NO_DOUBT", "Doubt", "LogWatch"]

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


NO_DOUBT: Final = Doubt()


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
    Its methods may only be called in the thread of the consumer.
    """

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._client: Any = client_of(consumer)
        self._routes: dict[Partition, Any] = {}  # connection of the last response
        self._doubts: dict[Partition, Doubt] = {}
        intercept_requests(consumer, self._intercept)

    def _intercept(self, send: Send) -> Send:
        self._send = send
        return self._watched

    def doubt(self, partition: Partition) -> Doubt:
        """Return the doubt about records that the client has just returned.

        The client fetches from a partition only once all earlier records of it were returned: a
        doubt of a later moment may be about records that were not returned yet.
        """
        return self._doubts.get(partition, NO_DOUBT)

    def settle(self, partition: Partition, doubt: Doubt) -> None:
        """Forget a doubt once records with it were checked, unless another one has followed.

        Until then, all records of the partition have it: the first ones may never be delivered.
        """
        if self._doubts.get(partition) is doubt:
            del self._doubts[partition]

    def moving(self, partition: Partition) -> None:
        """Doubt the first records from a position that is about to be set.

        The state may be older than the connection, as after a rebalance.
        """
        self._doubts[partition] = Doubt(suspect=True)

    async def _watched(self, node_id: Any, request: Any, **options: Any) -> Any:
        if not isinstance(request, FetchRequest):
            return await self._send(node_id, request, **options)
        offsets = requested_offsets(request)
        try:
            response = await self._send(node_id, request, **options)
        except errors.KafkaError:
            self._routes.update(dict.fromkeys(offsets.keys() & self._routes.keys()))
            raise
        route = connection_to(self._client, node_id)
        for topic, parts in response.topics:
            for number, code, *_ in parts:
                self._answered((topic, number), offsets.get((topic, number), 0), code, route)
        return response

    def _answered(self, partition: Partition, offset: int, code: int, route: Any) -> None:
        changed = self._routes.setdefault(partition, route) is not route
        if not changed and not code:
            return
        self._routes[partition] = route
        known = self.doubt(partition).out_of_range
        found = offset if code == _OUT_OF_RANGE and known is None else known
        self._doubts[partition] = Doubt(suspect=True, out_of_range=found)
