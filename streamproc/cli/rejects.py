"""Write the rows of a file that cannot be read to another file."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import typer


class Rejects:
    """Rows that cannot be read, as lines of JSON with line, reason and what is known of the row.

    Attributes
    ----------
    count
        How many there were.
    """

    def __init__(self, file: TextIO) -> None:
        self.count = 0
        self._file = file

    def add(self, line: int, reason: str, row: Any) -> None:
        """Write one row."""
        self.count += 1
        text = json.dumps({"line": line, "reason": reason, "row": row}, default=str)
        self._file.write(text + "\n")


@contextmanager
def rejects_to(path: Path | None) -> Iterator[Rejects | None]:
    """Open the file of rejects, which must not exist; None: there is none.

    Raises
    ------
    typer.BadParameter
        If the file exists, or cannot be created.
    """
    if path is None:
        yield None
        return
    try:
        file = path.open("x", encoding="utf-8")
    except OSError as error:
        message = f"{path} cannot be created: {error.strerror}"
        raise typer.BadParameter(message, param_hint="--skip-bad") from error
    with file:
        yield Rejects(file)
