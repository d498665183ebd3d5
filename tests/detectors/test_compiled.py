"""Compiled loops, and how long what is kept of them holds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LOOP = """
from detectors.compiled import compiled
{imported}

@compiled
def loop(x):
    return helper(x)
"""
HELPER = """
from detectors.compiled import compiled

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


def _said(folder: Path) -> str:
    paths = os.pathsep.join([str(folder), *sys.path])
    return subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-c", RUN],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths, "NUMBA_CACHE_DIR": str(folder / "kept")},
    ).stdout
