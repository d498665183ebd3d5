"""Define the error of the embedded broker."""

from streamproc.errors import StreamprocError


class BrokerError(StreamprocError):
    """A broker process could not be started, or exited unexpectedly.

    The message names the program, the reason and, if there is one, the end of the broker's log.
    If it names the port, free it or choose another one; otherwise read the log.
    """
