"""Vectors as numbers that can be watched."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.detectors import Embedder, SeriesMonitor
from streamproc.detectors.errors import ShapeError, StateError
from streamproc.detectors.series.embedding_kernel import LEARN

ROWS = 700


def laid_out(vectors: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Put vectors one behind the other, with where each begins."""
    lengths = [len(vector) for vector in vectors]
    return np.concatenate(vectors), np.cumsum([0, *lengths])


def eventful() -> tuple[np.ndarray, np.ndarray]:
    """Draw vectors that jump, go missing, and change their length for a while and for good."""
    rng = np.random.default_rng(4)
    vectors = [rng.normal(5.0 * (t > 250), 1.0, 3) for t in range(ROWS)]
    for t in range(100, 120):
        vectors[t] = np.empty(0) if t % 2 else rng.normal(size=4)
    for t in range(450, ROWS):
        vectors[t] = rng.normal(size=100)
    return laid_out(vectors)


FLAT, BOUNDS = eventful()


def run(embedder: Embedder, start: int, stop: int) -> np.ndarray:
    """Feed some rows to slot 1."""
    out = np.empty((3, ROWS))
    embedder.scan(FLAT, BOUNDS, np.array([[start, stop, 1]]), out)
    return out[:, start:stop]


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, ROWS), max_size=20))
def test_any_split_and_any_save_is_the_same(cuts: list[int]) -> None:
    """However rows are cut, and saved and loaded between, numbers and state are the same."""
    whole, parts = Embedder(2), Embedder(2)
    expected, edges, found = run(whole, 0, ROWS), sorted({0, *cuts, ROWS}), []
    for start, stop in itertools.pairwise(edges):
        copy = Embedder()
        copy.load(parts.state())
        parts = copy
        found.append(run(parts, start, stop))
    assert np.hstack(found).tobytes() == expected.tobytes()
    assert {k: v.tobytes() for k, v in parts.state().items()} == {
        k: v.tobytes() for k, v in whole.state().items()
    }


def test_numbers_are_missing_where_nothing_can_be_said() -> None:
    """An empty vector, or one of another length, is missing; a new length is learned."""
    norm, direction, mmd = run(Embedder(2), 0, ROWS)
    assert np.flatnonzero(np.isnan(norm)).tolist() == [*range(100, 120), *range(450, 450 + LEARN)]
    assert np.isnan(direction[:LEARN]).all()
    assert np.isnan(mmd[: 2 * LEARN]).all()
    assert np.isfinite(norm[450 + LEARN :]).all()
    assert np.isfinite(mmd[200:260]).all()


def test_the_norm_and_the_cosine_are_numpys() -> None:
    """The norm is the Euclidean one, the direction the cosine with the mean unit vector before."""
    vectors = np.random.default_rng(5).normal(1.0, 1.0, (300, 20))
    norm, direction, _ = Embedder(1).scan_all(vectors)
    assert norm == pytest.approx(np.linalg.norm(vectors, axis=1))
    units = vectors / norm[:, None]
    for t in (LEARN, 150, 299):
        mean = units[:t].mean(axis=0)
        assert direction[t] == pytest.approx(units[t] @ mean / np.linalg.norm(mean))


@pytest.mark.parametrize("length", [5, 64, 65, 768])
def test_a_long_vector_is_summed_up_well_enough(length: int) -> None:
    """For any length the direction of a mean that turned round is seen as such."""
    rng = np.random.default_rng(6)
    mean = rng.normal(size=length)
    vectors = mean + 0.5 * rng.normal(size=(200, length))
    vectors[150:] -= 2 * mean
    direction = Embedder(1).scan_all(vectors)[1]
    assert direction[100:150].mean() > 0.8
    assert direction[150:].mean() < -0.6


def shifted(rng: np.random.Generator, what: str) -> np.ndarray:
    """Draw 3,000 vectors that change at the 2,000th in one way."""
    centers = 2.0 * rng.normal(size=(5, 16))
    which = rng.integers(0, 5, 3000)
    if what == "a cluster vanishes":
        which[2000:] %= 4
    vectors = centers[which] + rng.normal(size=(3000, 16))
    if what == "the mean moves":
        vectors[2000:] += 1.0
    if what == "the spread grows":
        vectors[2000:] *= 1.5
    if what == "coordinates are swapped":
        vectors[2000:] = vectors[2000:, ::-1]
    return vectors


@pytest.mark.parametrize(
    ("what", "seen_by"),
    [
        ("the mean moves", 2),
        ("the spread grows", 0),
        ("the spread grows", 2),
        ("coordinates are swapped", 1),
        ("coordinates are swapped", 2),
        ("a cluster vanishes", 2),
    ],
)
def test_changes_of_each_kind_are_found(what: str, seen_by: int) -> None:
    """A change is seen by the number that is about it, within 500 vectors."""
    for seed in range(5):
        numbers = Embedder(1).scan_all(shifted(np.random.default_rng(seed), what))
        alarms = SeriesMonitor({"adwin": {}, "page_hinkley": {}}, size=3).scan_all(numbers)
        first = next(alarm for alarm in alarms if alarm.slot == seen_by)
        assert 2000 < first.row < 2500


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_the_unit_does_not_matter(unit: float) -> None:
    """Vectors in another unit give the same alarms."""
    numbers = [
        Embedder(1).scan_all(scale * shifted(np.random.default_rng(1), "the mean moves"))
        for scale in (1.0, unit)
    ]
    watched = [SeriesMonitor({"page_hinkley": {}}, size=3).scan_all(n) for n in numbers]
    assert [(a.row, a.slot) for a in watched[0]] == [(a.row, a.slot) for a in watched[1]]


def test_steady_vectors_are_no_alarm() -> None:
    """A million numbers of vectors that do not change give no alarm, whatever their form."""
    for seed, width in ((1, 2), (2, 16), (3, 100)):
        rng = np.random.default_rng(seed)
        mixed = rng.normal(size=(5, width))[rng.integers(0, 5, 40_000)]
        for noise in (rng.normal(size=mixed.shape), rng.standard_t(3, mixed.shape)):
            numbers = Embedder(1).scan_all(mixed + noise)
            assert SeriesMonitor({"adwin": {}, "page_hinkley": {}}, size=3).scan_all(numbers) == []


def test_odd_vectors_do_no_harm() -> None:
    """Vectors of zeros, of one constant and of the largest numbers give finite numbers."""
    for value in (0.0, 1.0, 1e308, 5e-324):
        vectors = np.full((400, 3), value)
        vectors[300:, 0] *= -1.0
        numbers = Embedder(1).scan_all(vectors)[:, 2 * LEARN :]
        assert np.isfinite(numbers[:, : 300 - 2 * LEARN]).all()
        assert np.isfinite(numbers[0]).all()
        assert not np.isinf(numbers).any()


def test_a_vector_of_any_length_takes_as_many_bytes() -> None:
    """What a series holds does not grow with the length of its vectors."""
    sizes = []
    for length in (2, 3000):
        embedder = Embedder(1)
        embedder.scan_all(np.random.default_rng(7).normal(size=(200, length)))
        sizes.append(embedder.nbytes())
    assert sizes[0] == sizes[1] <= 2500


def test_what_does_not_fit_is_refused() -> None:
    """Arrays that would lead the loop out of bounds are refused."""
    embedder, out = Embedder(2), np.empty((3, ROWS))
    for tasks in ([[0, ROWS + 1, 0]], [[0, 5, 2]], [[-1, 5, 0]], [[0, 5]]):
        with pytest.raises(ShapeError):
            embedder.scan(FLAT, BOUNDS, np.array(tasks), out)
    with pytest.raises(ShapeError):
        embedder.scan(FLAT[:-1], BOUNDS, np.array([[0, 5, 0]]), out)
    with pytest.raises(StateError, match="length"):
        embedder.load(embedder.state() | {"length": np.array([-1, 0])})
