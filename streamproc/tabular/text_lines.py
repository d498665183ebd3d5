"""Decode a file line by line."""

import codecs
import io
import zlib
from collections.abc import Iterator
from typing import Final

from streamproc.tabular.errors import RowError
from streamproc.tabular.stream import Stream
from streamproc.tabular.table import Reject

# Spreadsheets write "Unicode text" so, always with this mark.
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WIDE: Final = ("utf-16", "utf-32", "utf-7")


class TextLines:
    """The lines of a file as text, with their ends.

    Lines are decoded one by one, so that an error names its line and not one a block away; those
    of UTF-16 and UTF-32 by blocks.

    Parameters
    ----------
    stream
        The opened file.
    encoding
        As Python calls it. A file that starts with the mark of UTF-16 has that one instead of
        UTF-8.

    Attributes
    ----------
    number
        Number of lines that have been read.
    notices
        What the user must know.
    reject
        Where lines go that cannot be decoded; None: they are errors.
    """

    def __init__(self, stream: Stream, encoding: str) -> None:
        self.number = 0
        self.notices: list[str] = []
        self.reject: Reject | None = None
        self._stream = stream
        self._encoding = encoding
        self._lines = self._text()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            return next(self._lines)
        except (EOFError, OSError, zlib.error) as error:
            what = f"cannot be read: {error}"
            raise RowError.at(self._stream.name, self.number + 1, what) from error

    def _text(self) -> Iterator[str]:
        if self._encoding == "utf-8" and self._stream.data.peek(2)[:2] in _UTF_16:
            self._encoding = "utf-16"
            self.notices.append(f"{self._stream.name} is UTF-16 text")
        wide = codecs.lookup(self._encoding).name.startswith(_WIDE)
        yield from self._wide() if wide else self._decoded()

    def _decoded(self) -> Iterator[str]:
        # A byte order mark does not belong to the first name.
        encoding = "utf-8-sig" if self._encoding == "utf-8" else self._encoding
        for line in self._stream.data:
            try:
                yield self._counted(line.decode(encoding))
            except UnicodeDecodeError as error:
                self.number += 1
                self._refuse(error, repr(line)[2:-1])
            encoding = self._encoding

    def _wide(self) -> Iterator[str]:
        # The file is closed by the stream.
        text = io.TextIOWrapper(self._stream.data, self._encoding, newline="")
        try:
            for line in text:
                yield self._counted(line)
        except UnicodeError as error:
            self.number += 1
            self.reject = None  # where the next line begins is not known
            self._refuse(error, None)
        finally:
            text.detach()

    def _counted(self, line: str) -> str:
        self.number += 1
        return line

    def _refuse(self, error: UnicodeError, raw: str | None) -> None:
        reason = getattr(error, "reason", str(error))
        name = "UTF-8" if self._encoding == "utf-8" else self._encoding
        what = f"not {name} text: {reason}; name its encoding with --encoding, such as cp1252"
        RowError.refuse(self._stream.name, self.number, what, raw, self.reject, error)
