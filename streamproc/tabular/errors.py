"""Errors of files of rows."""

from typing import Any

from streamproc.errors import StreamprocError
from streamproc.tabular.table import Reject


class RowError(StreamprocError):
    """A file, or one row of it, that cannot be read as a table.

    The message names the file, the line and, where there is one, the column. Correct the line
    in the file and publish again.
    """

    @classmethod
    def at(cls, name: str, line: int, what: str) -> "RowError":
        """Make the error of one line: ``name:line: what``."""
        return cls(f"{name}:{line}: {what}")

    @classmethod
    def refuse(
        cls,
        name: str,
        line: int,
        what: str,
        raw: Any,
        reject: Reject | None,
        cause: Exception | None = None,
    ) -> None:
        """Pass a row that cannot be read to `reject`; without it, raise."""
        error = cls.at(name, line, what)
        if reject is None:
            raise error from cause
        reject(line, str(error), raw)
