"""Fuzzes what reads strangers' bytes, guided by coverage, and says what came of it.

``python tests/fuzz/run.py --seconds 600 [TARGET...]`` runs each target in a process of its own,
one after another, then again without the fuzzer's own bookkeeping to see whether memory grows, and
prints a line for each. Inputs that reach code which no other reaches are
kept in ``tests/fuzz/corpus``, where the tests try them again; what breaks a promise is kept in
the folder that the line names.
"""

import argparse
import gc
import os
import random
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

HERE: Final = Path(__file__).parent
PATHS: Final = (HERE.parents[1], HERE.parent)
CORPUS: Final = HERE / "corpus"
FOUND: Final = HERE / "found"  # what broke a promise once, put here by hand
HANG_SECONDS: Final = 20
MEMORY_MB: Final = 3072  # the fuzzer itself takes up to a kilobyte for each input that it tries
INTERPRETED: Final = "STREAMPROC_FUZZ_INTERPRETED"  # told to the process that fuzzes
REPLAYS: Final = 10_000
MAX_GROWTH_MB: Final = 16
# Numba cannot compile what the fuzzer has put its counters into.
COMPILED: Final = [
    ".".join(path.relative_to(HERE.parents[1]).with_suffix("").parts)
    for path in sorted(HERE.parents[1].glob("streamproc/**/*.py"))
    if "from streamproc.detectors.runtime.jit import compiled" in path.read_text()
]
# Enough for the tests to try at every run.
KEPT: Final = 40
KEPT_BYTES: Final = 2048


def fuzz(name: str, arguments: list[str]) -> None:
    """Fuzz one target until its time is over, in this process."""
    import atheris  # noqa: PLC0415  its import hooks must come first

    interpreted = INTERPRETED in os.environ
    exclude = [] if interpreted else COMPILED
    with (
        _interpreted() if interpreted else nullcontext(),
        atheris.instrument_imports(include=["streamproc", "yaml"], exclude=exclude),
    ):
        from targets import TARGETS  # noqa: PLC0415

    target = TARGETS[name]
    for seed in target.seeds():  # compiled before anything is timed
        target.check(seed)

    def check(data: bytes) -> None:
        target.check(bytes(data))

    atheris.Setup([sys.argv[0], *arguments, f"-max_len={target.longest}"], check)
    atheris.Fuzz()


@contextmanager
def _interpreted() -> Iterator[None]:
    """Leave the loops of what is imported as Python, but not those of detectors."""
    from streamproc.detectors.runtime import jit as compiled  # noqa: PLC0415

    whole = compiled.compiled
    compiled.compiled = lambda function: function
    try:
        yield
    finally:
        compiled.compiled = whole


def replay(name: str, corpus: Path) -> int:
    """Try a corpus and mutants; return the megabytes by which the later ones made memory grow."""
    from targets import TARGETS  # noqa: PLC0415  its paths are set by who started this

    found = [path.read_bytes() for path in sorted(corpus.iterdir())]
    draw = random.Random(1)
    early = 0
    for count in range(REPLAYS):
        fresh = count < len(found)  # each as it is, then mutants
        data = bytearray(found[count] if fresh else draw.choice(found))
        for _ in range(draw.randrange(3) if data and not fresh else 0):
            data[draw.randrange(len(data))] = draw.randrange(256)
        TARGETS[name].check(bytes(data))
        if count == REPLAYS // 2:
            early = _resident_mb()
    return _resident_mb() - early


def _resident_mb() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 2**20


def run(name: str, target: Any, seconds: int) -> bool:
    """Fuzz one target in a process of its own; print its line."""
    folder = Path(mkdtemp(prefix=f"fuzz-{name}-"))
    corpus, kept = folder / "corpus", CORPUS / name
    for path in (corpus, kept):
        path.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = [f"-timeout={HANG_SECONDS}", f"-rss_limit_mb={MEMORY_MB}"]
    began = time.monotonic()
    told = _child(
        name,
        [
            f"-artifact_prefix={folder}/",
            str(corpus),
            str(kept),
            *limits,
            f"-max_total_time={seconds}",
            "-print_final_stats=1",
        ],
        folder / "log",
        interpreted=target.interpreted,
    )
    broken = sorted(
        path.name
        for path in folder.iterdir()
        if path.name.startswith(("crash-", "timeout-", "oom-", "leak-", "slow-unit-"))
    )
    text = (folder / "log").read_text(errors="replace")
    growth = _growth(name, corpus, folder / "replay-log")
    passed = told == 0 and not broken and growth is not None and growth <= MAX_GROWTH_MB
    figures = {
        "executions": _last(r"stat::number_of_executed_units:\s+(\d+)", text),
        "features reached": _last(r" ft: (\d+)", text),
        "MB grown": growth,
    }
    verdict = "pass" if passed else f"FAIL, see {folder}: {', '.join(broken) or 'log'}"
    print(f"{name}: {time.monotonic() - began:.0f} s, {figures}: {verdict}", flush=True)  # noqa: T201
    if passed:
        _keep(corpus, kept)
    return passed


def _growth(name: str, corpus: Path, log: Path) -> int | None:
    code = _child(name, [str(corpus)], log, "--replay")
    return _last(r"^grown (-?\d+)$", log.read_text(errors="replace")) if code == 0 else None


def _child(
    name: str,
    arguments: list[str],
    log: Path,
    mode: str = "--target",
    *,
    interpreted: bool = False,
) -> int:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, PATHS))}
    if interpreted:
        environment[INTERPRETED] = "1"
    with log.open("wb") as stream:
        return subprocess.run(  # noqa: S603  ourselves
            [sys.executable, __file__, mode, name, *arguments],
            env=environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode


def _last(pattern: str, text: str) -> int | None:
    found = re.findall(pattern, text, re.MULTILINE)
    return int(found[-1]) if found else None


def _keep(corpus: Path, kept: Path) -> None:
    """Keep some of the inputs that reached what no other did: small ones, of all sizes."""
    small = sorted(
        (
            path
            for path in {*corpus.iterdir(), *kept.iterdir()}
            if path.stat().st_size <= KEPT_BYTES
        ),
        key=lambda path: (path.stat().st_size, path.name),
    )
    few = {path.name[:16]: path.read_bytes() for path in small[:: max(1, -(-len(small) // KEPT))]}
    for path in kept.iterdir():
        path.unlink()
    for name, data in few.items():
        (kept / name).write_bytes(data)


def main() -> None:
    """Fuzz the targets that are named, or all of them."""
    if sys.argv[1:2] == ["--target"]:
        fuzz(sys.argv[2], sys.argv[3:])
        return
    if sys.argv[1:2] == ["--replay"]:
        print("grown", replay(sys.argv[2], Path(sys.argv[3])))  # noqa: T201
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    told: Any = parser.parse_args()
    sys.path[:0] = map(str, PATHS)
    from targets import TARGETS  # noqa: PLC0415  its paths are set just now

    unknown = set(told.targets) - set(TARGETS)
    if unknown:
        parser.error(f"no target {min(unknown)}; there are {', '.join(TARGETS)}")
    passed = [run(name, TARGETS[name], told.seconds) for name in told.targets or TARGETS]
    sys.exit(0 if all(passed) else 1)


if __name__ == "__main__":
    main()
