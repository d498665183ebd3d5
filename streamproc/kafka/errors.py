"""Define the errors of using a Kafka cluster."""

from streamproc.errors import StreamprocError


class BrokerError(StreamprocError):
    """A Kafka cluster cannot be used; the message names its address and what to check."""


class BrokerUnreachableError(BrokerError):
    """No broker answers at the address.

    Check the address and the port, that the broker runs, and that no firewall stands between;
    when the broker answers and its cluster does not, check ``advertised.listeners``.
    """


class BrokerAuthError(BrokerError):
    """A broker rejects the client's identity, or the client rejects the broker's certificate.

    Check ``security`` in the config: user, password, mechanism, and the authority that signed the
    broker's certificate.
    """


class TopicError(BrokerError):
    """A topic is missing and cannot be created, or may not be used.

    Create it, or grant the user of ``security`` the permission that the message names.
    """


class DeliveryError(BrokerError):
    """The cluster did not confirm a record that was sent to it.

    It may or may not be on the topic. Send again: alerts and labels are de-duplicated by their
    ids, but an event that did arrive is counted twice.
    """


class WorkerError(StreamprocError):
    """A worker stopped because of an unexpected error.

    Restart it: unfinished slices are not acknowledged. If it stops at the same offset again, check
    what the message names.
    """


class RecoveryError(BrokerError):
    """The state of a partition could not be recovered; the worker stops rather than lose it.

    Check what the message names and restart the worker.
    """


class LogRewoundError(BrokerError):
    """A log is no longer the one that was read: it was restored, truncated or recreated.

    Its output is produced again from the last offset that still matches. Find out who changed the
    topic.
    """


class SnapshotWriteError(BrokerError):
    """A snapshot of a partition could not be written.

    If it is the first one, the worker stops: it could not recover from a crash. Later it counts the
    failure and retries: after a crash more records are processed again.
    """


class ClientLibraryError(StreamprocError):
    """A library of the Kafka client is missing, or is not a version that streamproc can use.

    Install what the message names.
    """


class ClientNotOpenError(StreamprocError):
    """A client was used outside of its ``with`` block; nothing was sent or read."""


class QueueFullError(DeliveryError):
    """The queue of a publisher is full; this event was not sent, those in the queue may be.

    Try again later, drop the event, or raise ``max_pending``; ``on_full`` of the publisher chooses
    what is dropped instead.
    """
