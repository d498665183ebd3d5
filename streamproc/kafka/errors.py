"""What goes wrong between us and a Kafka cluster."""

from streamproc.errors import StreamprocError


class BrokerError(StreamprocError):
    """A Kafka cluster cannot be used; the message names its address and what to check."""


class BrokerUnreachableError(BrokerError):
    """No broker answers at the address.

    Check the address and the port, that the broker runs, and that no firewall stands between;
    when the broker answers and its cluster does not, check ``advertised.listeners``.
    """


class BrokerAuthError(BrokerError):
    """A broker answers and refuses who we are, or we refuse who it is.

    Check ``security`` in the config: user, password, mechanism, and the authority that signed
    the broker's certificate.
    """


class TopicError(BrokerError):
    """A topic is missing and cannot be created, or may not be used.

    Create it, or grant the user of ``security`` what the message names.
    """


class DeliveryError(BrokerError):
    """The cluster did not confirm a record that was sent to it.

    It may or may not be on the topic. Send again: alerts and labels are de-duplicated by their
    ids, but an event that did arrive is counted twice.
    """


class WorkerError(StreamprocError):
    """A worker came upon something that it was not made for, and ended.

    Start it again: nothing that was not finished is acknowledged. If it ends at the same
    place again, the message names what to look at.
    """


class RecoveryError(BrokerError):
    """The state of a partition could not be read back; a worker ends rather than forget it.

    Check what the message names and start the worker again.
    """


class LogRewoundError(BrokerError):
    """A log is no longer the one that was read: restored, truncated or created again.

    What is made of it is made again, from where it still agrees with what was read. There is
    nothing to do but to find out who changed the topic.
    """


class SnapshotWriteError(BrokerError):
    """The state of a partition could not be written down.

    The first time, a worker ends: without a snapshot it could not survive a crash. Later it
    goes on, tries again, and counts it: after a crash more is watched again.
    """


class ClientLibraryError(StreamprocError):
    """A library of the Kafka client is missing, or is not a version that streamproc can use.

    Install what the message names.
    """


class ClientNotOpenError(StreamprocError):
    """A client was used outside of its ``with`` block; nothing was sent or read."""


class QueueFullError(DeliveryError):
    """The queue of a publisher is full; this event was not sent, those in the queue may be.

    Try again later, drop the event, or raise ``max_pending``.
    """
