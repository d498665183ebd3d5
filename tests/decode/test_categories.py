"""Categories in the pipeline: detection, messages and cost."""

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_logs import record, run, shard, state

from streamproc.decode.event_schema import Topic, kind_of
from streamproc.decode.vocabulary import MAX_LENGTH, MAX_TEXTS, SHOWN, Vocabulary
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import decode, encode
from streamproc.schemas.alerts import AlertEvent


def log(features: list[dict[str, Any]]) -> list[Any]:
    """Make records of events of one model."""
    return [
        record(at, {"model_id": "m", "ts": 1.7e9 + at, "features": found, "prediction": 0.5})
        for at, found in enumerate(features)
    ]


def alerts(features: list[dict[str, Any]], config: Any = None) -> list[AlertEvent]:
    """Watch events of one model in slices of 500; return the alerts about their values."""
    found = run(shard(config), log(features), range(500, len(features), 500)).alerts
    return [alert for alert in found if alert.detector != "inputs"]


def countries(
    seed: int, before: dict[str, float], after: dict[str, float], each: int = 2000
) -> list[dict[str, Any]]:
    """Draw a text whose shares change in the middle."""
    draw = random.Random(seed)
    return [
        {"country": draw.choices(list(shares), list(shares.values()))[0]}
        for shares in (before, after)
        for _ in range(each)
    ]


SHIFT = countries(
    1, {"DE": 0.62, "FR": 0.3, "IT": 0.08}, {"DE": 0.08, "FR": 0.53, "IT": 0.08, "XX": 0.31}
)


def test_an_alert_says_which_shares_changed() -> None:
    """The message names the categories that moved most, and a value that was never seen."""
    firing, *_, settled = alerts(SHIFT)
    assert (firing.series, firing.kind, firing.detector) == ("feature:country", "data", "chi2")
    assert firing.message.startswith(
        "feature 'country' of model 'm': share of 'DE' fell from 62.5 % to "
    )
    assert "share of 'FR' rose from 29.8 % to " in firing.message
    assert "values not seen before make " in firing.message
    assert "such as 'XX'" in firing.message
    assert firing.change_point is not None
    assert abs(firing.change_point.offset - 2000) <= 8
    assert firing.before is not None
    assert firing.after is not None
    assert (firing.before.mean, firing.after.std) == (None, None)
    assert firing.before.n + firing.after.n == firing.source.offset + 1
    assert "has settled at 43 % 'FR', 38 % 'XX', 11 % 'IT'" in settled.message


def test_a_real_shift_of_shares_is_found_within_some_hundred_values() -> None:
    """Shares of .5, .3, .2 that become .3, .3, .4 are found within 300 values."""
    before, after = {"a": 0.5, "b": 0.3, "c": 0.2}, {"a": 0.3, "b": 0.3, "c": 0.4}
    for seed in range(10):
        first = alerts(countries(seed, before, after))[0]
        assert 2000 < first.source.offset < 2300


def test_a_value_that_a_thousand_others_give_way_to_is_found() -> None:
    """Among a thousand texts, most of them uncounted, a new one raises an alert."""
    draw = random.Random(2)
    features = [{"zip": f"{draw.randrange(1000)}"} for _ in range(4000)]
    for found in features[2000:]:
        if draw.random() < 0.3:
            found["zip"] = "0"
    first = alerts(features)[0]
    assert 2000 < first.source.offset < 2300
    assert first.message.startswith("feature 'zip' of model 'm': ")


def test_steady_texts_of_any_number_are_no_alert() -> None:
    """Texts of two values, of a thousand, or that never come twice give no alert."""
    draw = random.Random(3)
    zipf = [1 / rank for rank in range(1, 1001)]
    ranks = iter(draw.choices(range(1000), zipf, k=20_000))
    features = [
        {
            "two": draw.choice("ab"),
            "rare": "x" if draw.random() < 0.01 else "y",
            "many": f"{draw.randrange(1000)}",
            "zipf": f"{next(ranks)}",
            "id": f"{draw.random()}",
        }
        for _ in range(20_000)
    ]
    assert alerts(features) == []


def test_a_missing_text_is_a_matter_of_quality() -> None:
    """A text that goes missing gives an alert of quality, and none of data."""
    draw = random.Random(4)
    features = [
        {"t": None if at > 1500 and draw.random() < 0.5 else draw.choice("ab")}
        for at in range(2500)
    ]
    firing = [alert for alert in alerts(features) if alert.status == "firing"]
    assert [(alert.kind, alert.series) for alert in firing] == [("quality", "quality:t")]


def test_a_million_texts_do_not_grow_the_memory() -> None:
    """Texts that never come twice are forgotten: what is kept has a bound."""
    target = shard()
    for start in range(0, 200_000, 5000):
        run(target, log([{"id": f"user {start + at}"} for at in range(5000)]))
        texts = target.catalogue.encoders.texts
        assert len(texts) <= MAX_TEXTS + 5000
    assert len(state(target)["texts"]) == 32


def test_a_long_text_is_a_category_and_shown_short() -> None:
    """A text of any length counts as what it is, but neither it nor all of it is kept."""
    texts = Vocabulary()
    long, other = "a" * 100_000, "a" * 99_999 + "b"
    assert texts[long] == texts[long] != texts[other]
    assert texts.name(texts[long]) == "a" * SHOWN + "…"
    assert max(len(text or "") for text in texts) <= MAX_LENGTH


def test_texts_of_any_characters_can_be_told_apart() -> None:
    """Empty texts, accents and lone surrogates are texts like others."""
    texts = Vocabulary()
    found = ["", "\u00e9", "e\u0301", "\ud800", "e", " ", "\x00"]
    assert len({texts[text] for text in found}) == len(found)
    assert np.isnan(texts[None])


def test_of_many_texts_the_needed_ones_are_kept() -> None:
    """At the limit, the texts that are needed keep number and name."""
    texts = Vocabulary()
    numbers = [texts[f"{at}"] for at in range(100)]
    texts.keep(lambda: {numbers[7]}, capacity=1000)
    assert texts.name(numbers[99]) == "99"
    texts.keep(lambda: {numbers[7]}, capacity=50)
    assert (texts.name(numbers[7]), len(texts)) == ("7", 2)
    assert [texts[f"{at}"] for at in range(100)] == numbers


@settings(max_examples=10)
@given(cut=st.integers(1, len(SHIFT)))
def test_saved_anywhere_names_are_known_afterwards(cut: int) -> None:
    """Restored from any snapshot, the alerts are the same, with the names of texts before it."""
    records, target = log(SHIFT), shard()
    run(target, records[:cut])
    data = encode(target, "predictions", 0, cut)
    restored = restore(
        decode(data), Topic.PREDICTIONS, "predictions", 0, target.catalogue.config
    ).shard
    assert state(restored) == state(target)
    assert run(restored, records[cut:]) == run(target, records[cut:])
    assert state(restored) == state(target)


def test_each_series_takes_the_detectors_that_can_read_it() -> None:
    """One list for all: numbers and texts take what is theirs of it, or the default of theirs."""
    features = [{"n": 1.0, "t": "a"}]
    for detectors, of_number, of_text in (
        (["adwin"], {"adwin"}, {"chi2"}),
        (["g_test"], {"mixture", "page_hinkley"}, {"g_test"}),
        (["cusum", "g_test", "category_psi"], {"cusum"}, {"g_test", "category_psi"}),
    ):
        target = shard({"models": [{"id": "*", "watch": [{"on": "*", "detectors": detectors}]}]})
        run(target, log(features))
        groups = target.catalogue.groups[target.catalogue.models["m"].layout]
        found = [group and set(group.settings) for group in groups.by_column]
        assert found[:2] == [of_number, of_text]


def test_an_empty_list_of_detectors_watches_no_text() -> None:
    """Nothing is watched where nothing is asked for, texts and embeddings included."""
    target = shard({"models": [{"id": "*", "watch": [{"on": "feature:*", "detectors": []}]}]})
    run(target, log([{"t": "a", "e": [1.0, 2.0]}]))
    assert target.catalogue.models["m"].slots == {}


def test_a_text_that_becomes_a_number_is_said_and_watched_as_that() -> None:
    """64 numbers in a row make a feature of texts a number, once; its incident ends with it."""
    draw = random.Random(5)
    features: list[dict[str, Any]] = [*SHIFT[:2100]]
    features += [{"country": draw.gauss(5.0 * (at > 1000), 1.0)} for at in range(1500)]
    shift, unseen, missing, kind, back, ended, *later = alerts(features)
    assert shift.detector == "chi2"
    assert "'XX', not seen" in unseen.message
    assert "'country' of model 'm' is missing in " in missing.message
    assert missing.source.offset < 2120
    assert (kind.source.offset, kind.kind, kind.series) == (2163, "quality", "quality:country")
    assert "was a text and has been a number 64 times in a row" in kind.message
    assert back.message.startswith("feature 'country' of model 'm' is back: it is missing in 0 %")
    assert {back.incident_id, ended.incident_id} == {missing.incident_id}
    assert (ended.status, ended.reason) == ("resolved", "recovered")
    assert [alert.status for alert in later] == ["firing"]
    assert later[0].message.startswith("feature 'country' of model 'm' rose from ")


@pytest.mark.parametrize(("usual", "stray"), [("a", 1.0), ("a", True), (1.0, "n/a"), (1.0, [1.0])])
def test_a_stray_value_changes_no_feature(usual: Any, stray: Any) -> None:
    """Single values of another kind count as missing, however many come in all."""
    target = shard(None)
    run(target, log([{"t": stray if at % 64 == 50 else usual} for at in range(3000)]))
    [(name, kind)] = target.catalogue.models["m"].layout.shape.kinds().items()
    assert (name, kind) == ("t", kind_of(usual))
    often = [{"t": usual}] * 500 + [{"t": stray if at % 3 else usual} for at in range(300)]
    [alert] = alerts(often)
    assert (alert.kind, alert.series) == ("quality", "quality:t")
    assert "'t' of model 'm' is missing in " in alert.message


def test_a_feature_that_began_with_a_stray_heals() -> None:
    """Texts after one number are what the feature is, as soon as there are enough of them."""
    [kind] = alerts([{"t": 1.0}, *({"t": "ab"[at % 2]} for at in range(500))])
    assert (kind.detector, kind.source.offset) == ("kind", 64)


VALUES = st.sampled_from(["a", "b", 1.0, True, None, [0.5, 1.0]])


@settings(max_examples=25)
@given(
    stretches=st.lists(st.tuples(VALUES, st.integers(1, 70)), min_size=1, max_size=12),
    cuts=st.lists(st.integers(0, 400)),
    saved=st.integers(0, 400),
)
def test_kinds_do_not_depend_on_slices(
    stretches: list[tuple[Any, int]], cuts: list[int], saved: int
) -> None:
    """Feature types and alerts are the same for any split, and after a restart."""
    records = log([{"t": value, "u": 1.0} for value, times in stretches for _ in range(times)])
    cuts = sorted({min(cut, len(records)) for cut in cuts})
    unsplit, cut_up = shard(None), shard(None)
    at_once = run(unsplit, records)
    assert run(cut_up, records, cuts) == at_once
    assert state(cut_up) == state(unsplit)
    half = min(saved, len(records))
    begun = shard(None)
    before = run(begun, records[:half]).alerts
    snapshot = decode(encode(begun, "predictions", 0, half))
    config = begun.catalogue.config
    resumed = restore(snapshot, Topic.PREDICTIONS, "predictions", 0, config).shard
    assert before + run(resumed, records[half:]).alerts == at_once.alerts
    assert state(resumed) == state(unsplit)
