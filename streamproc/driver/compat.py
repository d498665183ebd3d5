"""Wrap the private names of Faust that this project uses; they are checked on import.

Faust has no public way to deliver several records as one message, or to commit them as one. The
methods and attributes that `SliceConsumer`, `SliceDelivery`, `SliceThread` and the worker's `App`
override or use are listed here.
"""

from collections.abc import Collection
from typing import Any, Final

import faust
from aiokafka import AIOKafkaConsumer
from faust.transport.conductor import Conductor
from faust.transport.consumer import Consumer, ConsumerThread, ThreadDelegateConsumer
from faust.transport.drivers import aiokafka as base
from faust.types import TP

from streamproc.kafka.library import Needed, require

NEEDED: Final[tuple[Needed, ...]] = (
    (Conductor.__init__, ("_tp_index",)),
    (Consumer.__init__, ("_acked", "_acked_index", "_buffered_partitions", "_committed_offset")),
    (Consumer.__init__, ("_read_offset", "_unacked_messages")),
    (Consumer._reset_state, ("_active_partitions", "_paused_partitions")),  # noqa: SLF001
    (Consumer, ("_add_gap", "_get_active_partitions", "_new_offset", "_wait_next_records")),
    (ThreadDelegateConsumer.__init__, ("_thread",)),
    (ThreadDelegateConsumer, ("_getmany", "_new_consumer_thread")),
    (base.Consumer, ("_new_consumer_thread", "_to_message")),
    (ConsumerThread, ("call_thread", "getmany")),
    (faust.App, ("_create_directories",)),
    (base.AIOKafkaConsumerThread.on_start, ("_consumer",)),
    (base.AIOKafkaConsumerThread, ("_create_worker_consumer", "_ensure_consumer")),
    (base.AIOKafkaConsumerThread, ("_fetch_records", "_seek_wait")),
)
"""Classes and functions of Faust, and the names that each must have or use."""

require("faust-streaming", ">=0.15.3,<0.16", NEEDED)


def channels_of(conductor: Any, tp: TP) -> Collection[Any]:
    """Return the channels of the agents that take a partition."""
    channels: Collection[Any] = conductor._tp_index.get(tp, ())  # noqa: SLF001
    return channels


def client_of_thread(consumer: Any) -> AIOKafkaConsumer:
    """Return the client of a consumer; its own thread writes it, reading is safe."""
    return consumer._thread._consumer  # noqa: SLF001


def committed_offset(consumer: Any, tp: TP) -> int | None:
    """Return the offset that a consumer has committed; None if it is unknown."""
    offset: int | None = consumer._committed_offset.get(tp)  # noqa: SLF001
    return offset
