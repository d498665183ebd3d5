"""Open a file or standard input as bytes, and decompress gzip."""

import gzip
import io
import select
import sys
import zlib
from pathlib import Path
from typing import Any, cast

from streamproc.tabular.errors import RowError
from streamproc.tabular.table import Progress

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
            self._file = _standard_input() if path == STDIN else path.open("rb")
            packed = self._file.peek(2).startswith(_GZIP)
        except OSError as error:
            raise RowError(f"{self.name} cannot be read: {error.strerror}") from error
        self.data = (
            io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=self._file)))
            if packed
            else self._file
        )
        self._size = path.stat().st_size if path.is_file() else None

    def start(self) -> bytes:
        """Return the first bytes that are not white space, without reading past them."""
        try:
            return self.data.peek(64).lstrip(b"\xef\xbb\xbf \t\r\n")
        except (EOFError, OSError, zlib.error) as error:
            raise RowError(f"{self.name} cannot be read: {error}") from error

    def waits(self) -> bool:
        """Whether it is a pipe into which nothing more has been written yet."""
        if self._size is not None or self._file.closed:
            return False
        try:
            readable, _, _ = select.select([self._file], [], [], 0)
        except OSError:  # it has no descriptor, or this system cannot ask: reading will tell
            return False
        return not readable

    def progress(self) -> Progress:
        """How many bytes of the file, packed if it is packed, have been read."""
        return Progress(self._file.tell() if self._size else 0, self._size)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _standard_input() -> io.BufferedReader:
    """Return standard input with a buffer that lets us peek and takes what is there."""
    stream: Any = sys.stdin.buffer
    return io.BufferedReader(getattr(stream, "raw", stream))
