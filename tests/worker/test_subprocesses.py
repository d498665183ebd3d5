import subprocess
import sys
from pathlib import Path

import pytest

from streamproc.worker.subprocesses import command, environment


def run(folder: Path, module: str, *arguments: str) -> str:
    """Run a module in a folder; return what it prints."""
    return subprocess.check_output(  # noqa: S603  our own program
        command(module, *arguments), cwd=folder, env=environment(), text=True
    )


def test_nothing_is_imported_from_the_working_directory(tmp_path: Path) -> None:
    """A file that is named like a module of Python's is no part of a worker's processes."""
    (tmp_path / "json.py").write_text("raise SystemExit('imported')")
    (tmp_path / "data").write_text("{}")
    assert run(tmp_path, "json.tool", "data") == "{}\n"


def test_modules_are_found_where_this_process_finds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process of a worker runs the worker's own code, wherever that is."""
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        (folder / "whose.py").write_text(f"print({folder.name!r})")
    monkeypatch.setattr(sys, "path", [str(first), *sys.path, str(second)])
    assert run(second, "whose") == "first\n"
