"""Loading compiled loops from a cache, each time in another process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LOOPS = """
import numpy as np
from streamproc.detectors.runtime.jit import compiled

@compiled
def sums(values):
    out = np.zeros(2)
    for value in values:
        out += value
    return out

@compiled
def number_of(word):
    return hash(word)

@compiled
def refuses(value):
    if value < 0:
        raise ValueError("negative")
    return value

@compiled
def twice(value):
    return refuses(value) + refuses(value)
"""
CALLS = """
import sys
import numpy as np
from own import loops

def report(*results):
    hits = sum(sum(getattr(loops, name).stats.cache_hits.values()) for name in {names})
    print(*results, hits)

{calls}
"""


def test_a_cached_loop_is_loaded_without_the_compiler(tmp_path: Path) -> None:
    """A worker with its code in the cache does not hold what only compiling needs."""
    calls = (
        "report(loops.sums(np.ones(3)), 'numba.np.linalg' in sys.modules,"
        " 'numba.cpython.unicode' in sys.modules)"
    )
    _run(tmp_path, ["sums"], calls)
    assert _run(tmp_path, ["sums"], calls) == "[3. 3.] False False 1"


@pytest.mark.slow
def test_another_version_of_numba_sets_its_compiler_up(tmp_path: Path) -> None:
    """Cached code may need what a version that nobody has looked at defines in its set-up."""
    calls = (
        "import numba; numba.__version__ = '9.9.0'\n"
        "report(loops.sums(np.ones(3)), 'numba.np.linalg' in sys.modules)"
    )
    _run(tmp_path, ["sums"], calls)
    assert _run(tmp_path, ["sums"], calls) == "[3. 3.] True 1"


@pytest.mark.slow
def test_cached_loops_that_allocate_raise_and_hash_give_the_same(tmp_path: Path) -> None:
    """What a loop returns or raises does not depend on whether its code was cached."""
    calls = """
try:
    loops.refuses(-1)
except ValueError as error:
    report(loops.sums(np.ones(2)), loops.number_of("a") == hash("a"), loops.refuses(3), error)
"""
    names = ["sums", "number_of", "refuses"]
    assert _run(tmp_path, names, calls) == "[2. 2.] True 3 negative 0"
    assert _run(tmp_path, names, calls) == "[2. 2.] True 3 negative 3"


@pytest.mark.slow
def test_a_loop_can_be_compiled_after_others_were_loaded(tmp_path: Path) -> None:
    """A detector that a new configuration brings is compiled beside those in the cache."""
    _run(tmp_path, ["refuses"], "report(loops.refuses(1))")
    found = _run(tmp_path, ["refuses", "twice"], "report(loops.refuses(1), loops.twice(2))")
    assert found == "1 4 1"


def _run(folder: Path, names: list[str], calls: str) -> str:
    own = folder / "own"
    own.mkdir(exist_ok=True)
    (own / "__init__.py").touch()
    (own / "loops.py").write_text(LOOPS)
    paths = os.pathsep.join([str(folder), *sys.path])
    return subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-c", CALLS.format(names=names, calls=calls)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths, "NUMBA_CACHE_DIR": str(folder / "cache")},
    ).stdout.strip()
