"""How an application says that a topic is read in slices."""

from typing import Any

import faust
from faust.types import AppT, EventT, Message, TopicT

from streamproc.driver.slices import Slice, SliceLimits
from streamproc.errors import StreamprocError

__all__ = ["SliceSchema", "TransportError", "slice_topic"]


class TransportError(StreamprocError):
    """The application and its transport do not fit; the message says what to change."""


class SliceSchema(faust.Schema[bytes, bytes]):
    """Marks a Faust topic as read in slices: its events' values are :class:`Slice`.

    Parameters
    ----------
    limits
        How large a slice may be.
    """

    def __init__(self, limits: SliceLimits | None = None) -> None:
        super().__init__(value_type=bytes, key_serializer="raw", value_serializer="raw")
        self.limits = limits or SliceLimits()

    def compile(self, app: AppT, **_: Any) -> Any:
        """Return the coroutine that makes an event of a message; nothing is decoded."""

        async def decode(message: Message, **_: Any) -> EventT[Any]:
            if not isinstance(message.value, Slice):
                raise TransportError(
                    f"topic {message.topic!r} came message by message, not in slices: "
                    "the broker's URL must begin with slices://"
                )
            return app.create_event(None, message.value, {}, message)

        return decode


def slice_topic(
    app: faust.App,
    *names: str,
    limits: SliceLimits | None = None,
    buffer: int = 8,
    **options: Any,
) -> TopicT:
    """Describe topics whose agent receives one partition's slice of a poll at a time.

    Parameters
    ----------
    app
        A Faust application whose broker URL begins with ``slices://``, for instance
        ``slices://one:9092;slices://two:9092``; the port is 9092 where none is given.
    *names
        Topics to read.
    limits
        How large a slice may be.
    buffer
        Slices that may wait for each agent, at least 3; when it is nearly full, its
        partitions are not fetched. Waiting takes at most ``buffer * limits.bytes`` of memory.
    **options
        What else ``app.topic`` takes, such as `partitions` or `retention`.

    Returns
    -------
    TopicT
        A topic for ``@app.agent``. Other topics of the application stay as they are.

    Notes
    -----
    Acknowledge by hand: Faust's automatic way also acknowledges an event whose handler raised.
    A slice is acknowledged as a whole. One that is not stays uncommitted, with all that
    follows it in its partition, and comes again after a restart or a rebalance; Faust itself
    goes on with the next one, so let the process end when something unexpected is raised.
    Keep the agent's concurrency at 1, or slices of one partition overtake one another, and
    leave ``stream_wait_empty`` at False.

    Examples
    --------
    >>> import faust
    >>> app = faust.App("watch", broker="slices://localhost:9092", stream_wait_empty=False)
    >>> predictions = slice_topic(app, "predictions")
    >>> @app.agent(predictions)
    ... async def watch(stream):
    ...     manual = stream.noack()
    ...     async for event in manual.events():
    ...         for record in event.value.records:
    ...             print(record.offset, record.value)
    ...         await manual.ack(event)
    """
    schema = SliceSchema(limits)
    return app.topic(*names, schema=schema, maxsize=buffer, **options)
