"""A file or standard input as bytes, unpacked when it is gzip."""

import gzip
import io
import os
import stat
import sys
import zlib
from pathlib import Path
from typing import cast

from streamproc.cli.rows.errors import RowError
from streamproc.cli.rows.table import Progress

_GZIP = b"\x1f\x8b"
STDIN = Path("-")


class Stream:
    """The bytes of a file, or of standard input for ``-``.

    Parameters
    ----------
    path
        The file. Whether it is gzip is seen from its first two bytes, whatever its name.

    Raises
    ------
    RowError
        When it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.name = "standard input" if path == STDIN else str(path)
        try:
            self._file = (
                cast("io.BufferedReader", sys.stdin.buffer) if path == STDIN else path.open("rb")
            )
            packed = self._file.peek(2).startswith(_GZIP)
        except OSError as error:
            raise RowError(f"{self.name} cannot be read: {error.strerror}") from error
        self.data = (
            io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=self._file)))
            if packed
            else self._file
        )
        status = os.fstat(self._file.fileno())
        self._size = status.st_size if stat.S_ISREG(status.st_mode) else None

    def start(self) -> bytes:
        """Return the first bytes that are not white space, without reading past them."""
        try:
            return self.data.peek(64).lstrip(b"\xef\xbb\xbf \t\r\n")
        except (EOFError, OSError, zlib.error) as error:
            raise RowError(f"{self.name} cannot be read: {error}") from error

    def progress(self) -> Progress:
        """How many bytes of the file, packed if it is packed, have been read."""
        return Progress(self._file.tell() if self._size else 0, self._size)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
