"""Repeat the fetches of a consumer without its general loop while only records come."""

from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.protocol.fetch import FetchRequest

from streamproc.kafka.compat import (
    Send,
    client_of,
    client_rack,
    fetched_records,
    fetcher_of,
    ignore_readers,
    in_flight,
    intercept_requests,
    subscription_of,
    waits_for_readers,
)
from streamproc.kafka.fetch_sequence import FetchSequence
from streamproc.kafka.repeated_fetch import NO_SESSION, requested_offsets

__all__ = ["repeat_fetches"]


def repeat_fetches(consumer: AIOKafkaConsumer) -> None:
    """Send a consumer's next fetch as soon as the records of the previous one were read.

    aiokafka wakes its fetch loop when a response comes and when records were read, and determines
    each time what to do for each partition: half of what a live event costs the client. While all
    partitions of a broker are fetched and give nothing but records, that is always the same.
    Then the fetch of the general loop does not return: it is repeated from the new positions. It
    returns without records as soon as anything else is to be done: after an error, a change of the
    metadata, a seek that needs an offset of the log, records that wait, a large response. The
    general loop then sends the fetch again, and handles what comes.

    Parameters
    ----------
    consumer
        A consumer that reads leniently, see `read_leniently`: its fetched records notify of a
        removal. This must be the last change to what the consumer sends.
    """
    _FetchRepeater(consumer)


class _FetchRepeater:
    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer: Any = consumer
        self._client: Any = client_of(consumer)
        self._repeating: dict[Any, FetchSequence] = {}  # by node
        self._sessions: dict[Any, int] = {}  # the latest one, by node
        self._metadata = 0
        self._client.cluster.add_listener(self._on_metadata)
        intercept_requests(consumer, self._intercept)

    def _intercept(self, send: Send) -> Send:
        self._send = send
        return self._repeated

    def _on_metadata(self, _: Any) -> None:
        self._metadata += 1  # a partition may have another leader

    async def _repeated(self, node_id: Any, request: Any, **options: Any) -> Any:
        if not isinstance(request, FetchRequest):
            return await self._send(node_id, request, **options)
        metadata, sequence = self._metadata, self._sequence(node_id, request)
        response = await self._send(node_id, request, **options)
        if sequence is None or not sequence.accepts(response):
            return response
        self._repeating[node_id] = sequence
        try:
            while sequence.deliver(response):
                self._quieten()
                following = await sequence.following(response)
                if following is None or metadata != self._metadata:
                    break
                response = await self._send(node_id, following, **options)
                if not sequence.accepts(response):
                    break
        finally:
            del self._repeating[node_id]
            self._sessions[node_id] = sequence.session[0]
        response.topics = []  # all was delivered, or is fetched again
        return response

    def _sequence(self, node_id: Any, request: Any) -> FetchSequence | None:
        """Begin a sequence of fetches, if a request is of all partitions of its node."""
        subscription = subscription_of(self._consumer)
        assignment = subscription and subscription.assignment
        if assignment is None or client_rack(self._consumer):
            return None
        asked = {TopicPartition(*partition) for partition in requested_offsets(request)}
        leader = self._client.cluster.leader_for_partition
        if asked != {tp for tp in assignment.tps if leader(tp) == node_id}:
            return None
        session = self._sessions.get(node_id, NO_SESSION)
        return FetchSequence(fetcher_of(self._consumer), assignment, request, session)

    def _quieten(self) -> None:
        """Let the general loop sleep while records are read, if it has nothing else to fetch."""
        fetcher = fetcher_of(self._consumer)
        if not waits_for_readers(fetcher) or in_flight(fetcher) != self._repeating.keys():
            return
        ours = [sequence.partitions for sequence in self._repeating.values()]
        if all(any(tp in each for each in ours) for tp in fetched_records(fetcher)):
            ignore_readers(fetcher)
