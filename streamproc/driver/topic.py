"""Declare topics of a Faust application that are read in slices."""

from typing import Any

import faust
from faust.types import AppT, EventT, Message, TopicT

from streamproc.driver.slices import Slice, SliceLimits
from streamproc.errors import StreamprocError

__all__ = ["SliceSchema", "TransportError", "slice_topic"]


class TransportError(StreamprocError):
    """The application does not match its transport; the message names what to change."""


class SliceSchema(faust.Schema[bytes, bytes]):
    """Mark a Faust topic as sliced: the values of its events are :class:`Slice`.

    Parameters
    ----------
    limits
        Limits of a slice.
    """

    def __init__(self, limits: SliceLimits | None = None) -> None:
        super().__init__(value_type=bytes, key_serializer="raw", value_serializer="raw")
        self.limits = limits or SliceLimits()

    def compile(self, app: AppT, **_: Any) -> Any:
        """Return a coroutine that wraps a message in an event, without decoding it."""

        async def decode(message: Message, **_: Any) -> EventT[Any]:
            if not isinstance(message.value, Slice):
                raise TransportError(
                    f"topic {message.topic!r} was delivered message by message, not in slices: "
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
    """Declare topics whose agent receives slices of one partition each.

    Parameters
    ----------
    app
        A Faust application whose broker URL begins with ``slices://``, for instance
        ``slices://one:9092;slices://two:9092``; the port is 9092 where none is given.
    *names
        Topics to read.
    limits
        Limits of a slice.
    buffer
        Slices that may wait for each agent, at least 3; when it is nearly full, its
        partitions are not fetched. Waiting takes at most ``buffer * limits.bytes`` of memory.
    **options
        Other arguments of ``app.topic``, such as `partitions` or `retention`.

    Returns
    -------
    TopicT
        A topic for ``@app.agent``. Other topics of the application are not affected.

    Notes
    -----
    Acknowledge manually: Faust's automatic mode also acknowledges an event after its handler
    raised. A slice is acknowledged as a unit. If it is not, it stays uncommitted with all later
    slices of its partition, and is delivered again after a restart or a rebalance. Faust continues
    with the next slice, so let the process exit after an unexpected error. Keep the agent's
    concurrency at 1, or slices of one partition overtake each other, and leave
    ``stream_wait_empty`` at False.

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
