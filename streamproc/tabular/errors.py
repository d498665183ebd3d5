"""Errors of files of rows."""

from streamproc.errors import StreamprocError


class RowError(StreamprocError):
    """A file, or one row of it, that cannot be read as a table.

    The message names the file, the line and, where there is one, the column. Correct the line
    in the file and publish again.
    """

    @classmethod
    def at(cls, name: str, line: int, what: str) -> "RowError":
        """Make the error of one line: ``name:line: what``."""
        return cls(f"{name}:{line}: {what}")
