"""Compiled loops, and how long what is kept of them holds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LOOP = """
from streamproc.detectors.runtime.jit import compiled
{imported}

@compiled
def loop(x):
    return helper(x)
"""
HELPER = """
from streamproc.detectors.runtime.jit import compiled

@compiled
def helper(x):
    return x + {more}
"""
RUN = (
    "from own.loops import loop; print(loop(1), sum(loop.stats.cache_hits.values()),"
    " sum(loop.stats.cache_misses.values()))"
)


@pytest.mark.parametrize(
    "imported", ["from own.helpers import helper", "from .middle import (\n    helper,\n)"]
)
def test_a_loop_is_compiled_anew_when_what_it_calls_has_changed(
    tmp_path: Path, imported: str
) -> None:
    """After an upgrade no machine code of the version before goes on, wherever the change was."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "__init__.py").touch()
    (own / "loops.py").write_text(LOOP.format(imported=imported))
    (own / "middle.py").write_text("from own import helpers\n\nhelper = helpers.helper\n")
    said = []
    for more in (1, 1, 1000):
        (own / "helpers.py").write_text(HELPER.format(more=more))
        said.append(_said(tmp_path))
    assert said == ["2 0 1\n", "2 1 0\n", "1001 0 1\n"]


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped"])
def test_a_damaged_cache_file_is_compiled_again_and_replaced(tmp_path: Path, damage: str) -> None:
    """A full disk or a power loss while code was written stops no later start."""
    _package(tmp_path / "own")
    _said(tmp_path)
    for path in (tmp_path / "kept").rglob("*.nbc"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes({"empty": b"", "cut": content[:-9], "flipped": content}[damage])
    assert [_said(tmp_path), _said(tmp_path)] == ["2 0 1\n", "2 1 0\n"]


def test_another_checkout_with_equal_sources_uses_the_same_code(tmp_path: Path) -> None:
    """What one checkout has compiled, a second one of the same sources need not compile."""
    for checkout in ("first", "second"):
        _package(tmp_path / checkout / "own")
    said = [_said(tmp_path / each, cache=tmp_path / "kept") for each in ("first", "second")]
    assert said == ["2 0 1\n", "2 1 0\n"]


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    """Where the cache cannot be created, loops are compiled and run."""
    _package(tmp_path / "own")
    (tmp_path / "kept").write_text("a file where the folder should be")
    assert _said(tmp_path, cache=tmp_path / "kept" / "below") == "2 0 1\n"


def _package(own: Path) -> None:
    own.mkdir(parents=True)
    (own / "__init__.py").touch()
    (own / "loops.py").write_text(LOOP.format(imported="from own.helpers import helper"))
    (own / "helpers.py").write_text(HELPER.format(more=1))


def _said(folder: Path, cache: Path | None = None) -> str:
    paths = os.pathsep.join([str(folder), *sys.path])
    return subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-c", RUN],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths, "NUMBA_CACHE_DIR": str(cache or folder / "kept")},
    ).stdout
