"""Provide a Faust transport that delivers slices to agents instead of messages.

Registered as ``slices``: a Faust application uses it when its broker URL begins with
``slices://``. See :func:`slice_topic` for how to read a topic in slices.
"""

from typing import ClassVar

from faust.transport.drivers import aiokafka as base
from faust.types.transports import ConsumerT

from streamproc.driver.consumer import SliceConsumer
from streamproc.driver.slices import Slice, SliceLimits
from streamproc.driver.topic import SliceSchema, TransportError, slice_topic

__all__ = ["Slice", "SliceLimits", "SliceSchema", "Transport", "TransportError", "slice_topic"]


class Transport(base.Transport):
    """Faust's Kafka transport with a consumer that delivers slices."""

    Consumer: ClassVar[type[ConsumerT]] = SliceConsumer
