"""What can go wrong with a broker that we start ourselves."""

from streamproc.errors import StreamprocError


class BrokerError(StreamprocError):
    """A broker process could not be started, or ended by itself.

    The message says what was being started, why it failed and, when there is one, the end of
    the broker's own log. Free the port, or choose another, when it names the port; otherwise
    read the log's end.
    """
