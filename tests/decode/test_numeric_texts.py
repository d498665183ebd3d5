"""Numbers that are sent as text are watched as numbers; codes stay categories."""

import random
from typing import Any

import pytest
from record_logs import record, run, shard

from streamproc.decode.event_schema import FeatureType
from streamproc.decode.numeric_text import FIRST_VALUES, MIN_DISTINCT
from streamproc.monitor import Monitor


def kind(values: list[Any], config: Any = None) -> FeatureType:
    """Return the type that a feature with these values ends with."""
    target = shard(config)
    events = [{"model_id": "m", "prediction": 0.5, "features": {"f": value}} for value in values]
    run(target, [record(i, event) for i, event in enumerate(events)])
    return target.catalogue.models["m"].layout.kinds["f"]


def decimals(count: int, low: float = 10.0) -> list[str]:
    """Draw amounts as Debezium writes decimals."""
    draw = random.Random(count)
    return [f"{draw.uniform(low, 10 * low):.4f}" for _ in range(count)]


def test_decimals_are_numbers() -> None:
    """As soon as the first values all are, and enough of them differ."""
    assert kind(decimals(FIRST_VALUES - 1)) is FeatureType.TEXT
    assert kind(decimals(FIRST_VALUES)) is FeatureType.NUMBER
    assert kind([None, *decimals(FIRST_VALUES)]) is FeatureType.NUMBER


@pytest.mark.parametrize(
    "values",
    [
        [str(n % (MIN_DISTINCT - 1)) for n in range(500)],
        [f"0{n}" for n in range(1000, 1500)],
        [*decimals(40), "closed", *decimals(300)],
        ["DE", *decimals(300)],
    ],
    ids=["codes", "leading zeros", "other texts", "text first"],
)
def test_other_texts_stay_categories(values: list[str]) -> None:
    """Few different codes, postcodes, and texts among which one is not a number."""
    assert kind(values) is FeatureType.TEXT


@pytest.mark.parametrize("word", ["", "N/A", "NaN", "null", "None", "-", "#N/A", " "])
@pytest.mark.parametrize("at", [0, 1, 40])
def test_words_for_a_missing_number_are_missing(word: str, at: int) -> None:
    """They do not make a category of the numbers around them."""
    drawn = decimals(FIRST_VALUES)
    assert kind([*drawn[:at], word, *drawn[at:]]) is FeatureType.NUMBER
    values = [word if n % 5 == 0 else text for n, text in enumerate(decimals(400))]
    assert kind(values) is FeatureType.NUMBER
    assert kind([word] * 400) is FeatureType.TEXT


@pytest.mark.parametrize(("numbers", "word"), [(decimals(200), "closed"), (["7", "8"] * 99, "x")])
def test_a_word_among_numbers_is_reported(numbers: list[str], word: str) -> None:
    """One alert says that a feature of many numbers is a category, and what to do."""
    target = shard()
    texts = [*numbers[:40], word, *numbers[40:]]
    events = [{"model_id": "m", "prediction": 0.5, "features": {"f": text}} for text in texts]
    alerts = run(target, [record(i, event) for i, event in enumerate(events)]).alerts
    found = [alert for alert in alerts if alert.detector == "inputs"]
    assert len(found) == (word == "closed")
    assert all("`models[].numbers`" in alert.message for alert in found)
    config = {"models": [{"id": "m", "numbers": ["f"]}]}
    assert kind([*decimals(40), "closed", *decimals(300)], config) is FeatureType.NUMBER


def test_integers_are_categories_unless_the_configuration_names_them() -> None:
    """They may be postcodes: they stay categories, and one alert says what to do otherwise."""
    values = [str(7919 * n) for n in range(2 * FIRST_VALUES)]
    assert kind(values, {"models": [{"id": "m", "numbers": ["f*"]}]}) is FeatureType.NUMBER
    assert kind(values) is FeatureType.TEXT
    target = shard()
    events = [{"model_id": "m", "prediction": 0.5, "features": {"f": value}} for value in values]
    [alert] = run(target, [record(i, event) for i, event in enumerate(events)]).alerts
    assert alert.severity == "info"
    assert "models[].numbers" in alert.message


def test_strict_keeps_texts() -> None:
    """With `strict: true` a text is a category, whatever it looks like."""
    assert kind(decimals(300), {"strict": True}) is FeatureType.TEXT


def test_it_is_reported_once() -> None:
    """One system alert names the feature; a change of type is not reported beside it."""
    target = shard()
    events = [{"model_id": "m", "prediction": 0.5, "features": {"f": v}} for v in decimals(400)]
    alerts = run(target, [record(i, event) for i, event in enumerate(events)]).alerts
    assert [(a.kind, a.detector, a.severity) for a in alerts] == [("system", "inputs", "info")]
    assert "feature 'f' of model 'm' is sent as text" in alerts[0].message
    assert alerts[0].source.offset == FIRST_VALUES - 1


@pytest.mark.parametrize("as_sent", [float, str])
def test_amounts_a_hundred_times_as_large_are_found(as_sent: Any) -> None:
    """As text as well as in numbers."""
    values = [*decimals(2500), *decimals(1200, low=1000.0)]
    events = [
        {"model_id": "m", "prediction": 0.5, "features": {"amount": as_sent(v)}} for v in values
    ]
    alerts = [a for a in Monitor().process(events) if a.series == "feature:amount"]
    assert alerts
    assert alerts[0].source.offset < 2600


def test_a_number_among_texts_of_a_number_is_that_number() -> None:
    """A producer that changes from numbers to texts does not change the type of the feature."""
    assert kind([*map(float, decimals(100)), *decimals(300)]) is FeatureType.NUMBER


def test_predictions_as_text_are_numbers_unless_they_are_classes() -> None:
    """A decimal fraction starts a number; integers as text are classes, as before."""
    for predictions, series in (
        (["0.731", "0.25", "1", "0.5"], {"prediction"}),
        (["1", "0", "1", "0.5"], {"prediction:1", "prediction:0", "prediction:0.5"}),
        (["2.0", "1.0"], {"prediction:2.0", "prediction:1.0"}),
    ):
        target = shard()
        events = [{"model_id": "m", "prediction": p} for p in predictions]
        run(target, [record(i, event) for i, event in enumerate(events)])
        assert set(target.catalogue.models["m"].slots) == series


@pytest.mark.parametrize("form", ["+{:.2f}", " {:.2f} ", "{:10.2f}", "{:e}"])
def test_padding_and_a_plus_mean_nothing(form: str) -> None:
    """What printf writes before a number does not make it a category."""
    values = [form.format(float(each)) for each in decimals(FIRST_VALUES)]
    assert kind(values) is FeatureType.NUMBER
    assert kind([*map(float, decimals(90)), *values]) is FeatureType.NUMBER


FOREIGN = (
    "{:.2f}%",
    "${:.2f}",
    "{:.2f} EUR",
    "({:.2f})",
    "{:.2f}-",
    "\t{:.2f}",
    "{:.2f}\n",
    "'{:.2f}'",
)


@pytest.mark.parametrize("form", [*FOREIGN, "comma"])
def test_numbers_in_another_notation_are_reported(form: str) -> None:
    """Nothing is guessed: one alert tells that such texts are watched as categories."""
    target = shard()
    drawn = [float(each) for each in decimals(400)]
    texts = [f"{v:.2f}".replace(".", ",") if form == "comma" else form.format(v) for v in drawn]
    events = [{"model_id": "m", "prediction": 0.5, "features": {"f": text}} for text in texts]
    alerts = run(target, [record(i, event) for i, event in enumerate(events)]).alerts
    assert [(a.kind, a.detector, a.severity) for a in alerts] == [("system", "inputs", "info")]
    assert "feature 'f' of model 'm' is sent as text such as" in alerts[0].message
    assert texts[0] not in alerts[0].message, "a value may have to be redacted"
    assert target.catalogue.models["m"].layout.kinds["f"] is FeatureType.TEXT


def test_one_in_another_notation_among_numbers_is_enough() -> None:
    """Thousands are written with a comma only where there are thousands."""
    target = shard()
    texts = [f"{7.5 * n:,.2f}" for n in range(200)]
    events = [{"model_id": "m", "prediction": 0.5, "features": {"f": text}} for text in texts]
    found = run(target, [record(i, event) for i, event in enumerate(events)]).alerts
    assert any("sent as text" in alert.message for alert in found)


@pytest.mark.parametrize(
    "texts",
    [
        [f"10.0.{n}.1" for n in range(200)],
        [f"{n}A" for n in range(200)],
        [f"2026-01-{n % 28 + 1:02}" for n in range(200)],
        [f"v1.{n}" for n in range(200)],
        [f"{n // 60:02}:{n % 60:02}" for n in range(200)],
    ],
    ids=["addresses", "codes", "dates", "versions", "times"],
)
def test_other_texts_with_digits_are_not_reported(texts: list[str]) -> None:
    """They are categories, and no number that somebody has to correct."""
    target = shard()
    events = [{"model_id": "m", "prediction": 0.5, "features": {"f": text}} for text in texts]
    alerts = run(target, [record(i, event) for i, event in enumerate(events)]).alerts
    assert not [alert for alert in alerts if alert.detector == "inputs"]


def test_a_point_without_a_digit_before_it_is_reported() -> None:
    """Oracle writes 0.75 as .75, and other numbers as everybody does."""
    target = shard()
    texts = [f"{0.03 * n:.2f}".removeprefix("0") for n in range(200)]
    events = [{"model_id": "m", "prediction": 0.5, "features": {"f": text}} for text in texts]
    found = run(target, [record(i, event) for i, event in enumerate(events)]).alerts
    assert any("sent as text such as '.99'" in alert.message for alert in found)


def test_predictions_in_another_notation_are_reported() -> None:
    """Labels such as "0,93" are one alert; padded ones are numbers."""
    target = shard()
    events = [{"model_id": "m", "prediction": f"0,{n}"} for n in range(10, 40)]
    [alert] = run(target, [record(i, event) for i, event in enumerate(events)]).alerts
    assert "`prediction` of model 'm' is sent as text such as '9,99'" in alert.message
    padded = shard()
    events = [{"model_id": "m", "prediction": f" +0.{n} "} for n in range(11, 40)]
    run(padded, [record(i, event) for i, event in enumerate(events)])
    assert set(padded.catalogue.models["m"].slots) == {"prediction"}
