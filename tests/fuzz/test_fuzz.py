from pathlib import Path

import pytest
from fuzz.run import CORPUS, FOUND
from fuzz.targets import TARGETS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

KEPT = sorted(path for folder in (CORPUS, FOUND) for path in folder.glob("*/*") if path.is_file())
SEEDS = {name: target.seeds() for name, target in TARGETS.items()}


@st.composite
def mutants(draw: st.DrawFn, name: str) -> bytes:
    """Draw an input of a target with some of its bytes cut, changed or repeated."""
    data = draw(st.sampled_from(SEEDS[name]))
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, len(data)))
        stop = draw(st.integers(start, min(len(data), start + 30)))
        put = draw(st.binary(max_size=8) | st.just(data[start:stop] * 2) | TOKENS)
        data = data[:start] + put + data[stop:]
    return data


TOKENS = st.sampled_from(
    [
        b"null",
        b"1e999",
        b"-1",
        b"9223372036854775808",
        b'"',
        b"[",
        b"]}",
        b"\xff",
        b"\x00",
        b"NaN",
        b'"\\ud800"',
        b"true",
        b"0",
        b"{}",
        b"[" * 2000,
        b"&a ",
        b"*a",
        b"!!python/name:os.system ",
    ]
)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_bytes_break_a_reader(name: str, data: st.DataObject) -> None:
    """Whatever is written to a topic or a file costs a dead letter or an error, never a worker."""
    TARGETS[name].check(data.draw(mutants(name)))


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_fuzzing_found_is_read(path: Path) -> None:
    """An input that once reached code of its own, or broke a promise, breaks none today."""
    TARGETS[path.parent.name].check(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_read_to_their_end(name: str) -> None:
    """Each target starts from inputs that keep its promise."""
    assert SEEDS[name]
    for seed in SEEDS[name]:
        TARGETS[name].check(seed)
