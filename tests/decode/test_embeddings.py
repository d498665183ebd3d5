"""Embeddings in the pipeline: what is found, and what becomes of odd ones."""

import random
from typing import Any

from decode.test_categories import alerts, log
from record_logs import run, shard


def embeddings(count: int, seed: int = 1, length: int = 8, shift: float = 0.0) -> list[Any]:
    """Draw events with an embedding."""
    draw = random.Random(seed)
    return [{"e": [draw.gauss(shift, 1.0) for _ in range(length)]} for _ in range(count)]


def alerted(features: list[dict[str, Any]], config: Any = None) -> set[tuple[str, str]]:
    """List kind and series of the incidents that began."""
    return {(a.kind, a.series) for a in alerts(features, config) if a.status == "firing"}


def test_an_embedding_that_moves_is_found() -> None:
    """A mean that moves is seen in the norm, the direction and the discrepancy."""
    found = alerts(embeddings(1500) + embeddings(500, shift=1.0))
    names = {alert.series for alert in found}
    assert names == {f"feature:e:{of}" for of in ("norm", "direction", "mmd")}
    assert 1500 < found[0].source.offset < 1550


def test_steady_embeddings_are_no_alert() -> None:
    """Embeddings that do not change give no alert."""
    assert alerted(embeddings(5000)) == set()


def test_an_embedding_can_be_left_out_by_its_name() -> None:
    """What is configured for an embedding's name is meant for all of its series."""
    off = {"on": "feature:e", "detectors": []}
    part = {"on": "feature:e:norm", "detectors": ["adwin"]}
    for watch, series in (([off], set()), ([part, off], {"feature:e:norm"})):
        config = {"models": [{"id": "*", "watch": watch}]}
        target = shard(config)
        run(target, log(embeddings(3)))
        assert set(target.catalogue.models["m"].slots) == series


def test_a_missing_embedding_is_a_matter_of_quality_even_if_nothing_else_is_watched() -> None:
    """How often an embedding is missing, or empty, is watched like any feature's gaps."""
    features = embeddings(500) + [{"e": None}, {"e": []}, {}] * 50
    for extra in ([], [{"on": "feature:*", "detectors": []}]):
        watch = [*extra, {"on": "*", "detectors": ["adwin", "page_hinkley"]}]
        config = {"models": [{"id": "*", "watch": watch}]}
        assert alerted(features, config) == {("quality", "quality:e")}


def test_another_length_is_missing_at_first_and_then_the_new_one() -> None:
    """Embeddings of another length count as missing, raise an alert, and are then watched again."""
    longer = embeddings(600, length=12) + embeddings(300, length=12, shift=1.0)
    assert alerted(embeddings(500) + longer[:64]) == {("quality", "quality:e")}
    later = [a for a in alerts(embeddings(500) + longer) if a.source.offset >= 1100]
    assert {a.series for a in later if a.status == "firing"} >= {"feature:e:mmd"}


def test_a_single_embedding_of_another_length_costs_nothing_else() -> None:
    """One of another length is missing, and those around it are watched as before."""
    features = embeddings(2000)
    features[1000] = {"e": [1.0]}
    assert alerted(features) == set()


def test_a_feature_with_the_name_of_a_part_of_an_embedding_keeps_it() -> None:
    """A number named as an embedding's norm has that series, and the norm has none."""
    draw = random.Random(2)
    features = [
        event | {"e:norm": draw.gauss(1000.0 * (at > 1500), 1.0)}
        for at, event in enumerate(embeddings(2000))
    ]
    assert alerted(features) == {("data", "feature:e:norm")}


def test_a_list_that_becomes_a_number_is_said() -> None:
    """Numbers in place of lists are missing lists, and after 64 of them the feature is a number."""
    features = embeddings(500) + [{"e": 1.0}] * 500
    missing, kind = alerts(features)
    assert (missing.series, missing.change_point and missing.change_point.offset) == (
        "quality:e",
        500,
    )
    assert kind.source.offset == 500 + 64 - 1
    assert "was a list of numbers and has been a number 64 times in a row" in kind.message
    target = shard()
    run(target, log(features))
    model = target.catalogue.models["m"]
    assert set(model.slots) == {"feature:e", "prediction", "quality:e"}
    assert model.vectors == {}
