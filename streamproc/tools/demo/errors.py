"""Errors of the demo other than those of the broker or the worker."""

from streamproc.errors import StreamprocError


class DemoError(StreamprocError):
    """The story did not come to its end; the message says how far it came.

    Run it again on a machine with less to do; when it stops at the same event, that is a fault
    of this program.
    """
