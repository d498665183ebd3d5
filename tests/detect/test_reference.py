import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_logs import record, run, shard, state

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.decode.event_schema import Topic
from streamproc.errors import ConfigError
from streamproc.monitor import LogRecord, Monitor
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import decode, encode
from streamproc.tabular.reference import with_references

USUAL = 40.0


def row(draw: random.Random, level: float, countries: str = "DE FR NL") -> dict[str, Any]:
    """Draw the features of an event."""
    return {"amount": draw.gauss(level, 5), "country": draw.choice(countries.split())}


def log(level: float, countries: str = "DE FR NL", events: int = 1500) -> list[LogRecord]:
    """Make the log of one model."""
    draw = random.Random(7)
    events = [
        {"model_id": "m", "features": row(draw, level, countries), "prediction": draw.choice("yn")}
        for _ in range(events)
    ]
    return [record(offset, event) for offset, event in enumerate(events)]


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the rows that a model was trained on."""
    draw = random.Random(1)
    rows = [row(draw, USUAL) | {"prediction": draw.choice("yn")} for _ in range(3000)]
    path = tmp_path_factory.mktemp("data") / "training.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return path


def compared(path: Path, **settings: Any) -> Config:
    """Make a configuration with the file as the reference of every model."""
    return with_references(load({"models": [{"id": "*", "reference": str(path), **settings}]}))


def alarms(config: Config, records: list[LogRecord]) -> list[tuple[str, str]]:
    """Give series and message of each incident's first alert."""
    found = run(shard(config), records).alerts
    return [(alert.series, alert.message) for alert in found if alert.status == "firing"]


def test_events_unlike_the_reference_from_the_first_on_alarm(training: Path) -> None:
    """A skew that was there from the start, and would otherwise count as normal, alarms."""
    [(series, message)] = alarms(compared(training), log(USUAL + 4))
    assert series == "feature:amount"
    assert message.startswith("feature 'amount' of model 'm' rose from 40.0")
    assert message.endswith("; unlike its reference since its first value")
    assert alarms(Config(), log(USUAL + 4)) == []


def test_a_text_that_the_reference_never_had_alarms(training: Path) -> None:
    """Categories are compared too, from the first event on."""
    [(series, message)] = alarms(compared(training), log(USUAL, "DE FR XX"))
    assert series == "feature:country"
    assert "such as 'XX'" in message


def test_events_like_the_reference_are_silent(training: Path) -> None:
    """What is as it was in the file, features and prediction, alarms nowhere, and is not blind."""
    target = shard(compared(training))
    assert run(target, log(USUAL)).alerts == []
    fresh = shard(compared(training))
    run(fresh, log(USUAL, events=1))
    assert fresh.catalogue.warming() == 0


@settings(max_examples=15)
@given(cuts=st.lists(st.integers(0, 1500), max_size=5))
def test_slices_make_no_difference_with_a_reference(training: Path, cuts: list[int]) -> None:
    """However the log is cut, alerts and state are the same."""
    config, records = compared(training), log(USUAL + 4)
    unsplit, parts = shard(config), shard(config)
    assert run(unsplit, records).alerts == run(parts, records, sorted(cuts)).alerts
    assert str(state(unsplit)) == str(state(parts))


def test_another_reference_starts_its_series_anew(training: Path, tmp_path: Path) -> None:
    """Equal rows keep the state that was learned; other rows begin with themselves."""
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps({"amount": 1.0, "unused": [1, 2]}) + "\n")
    target = shard(compared(training))
    run(target, log(USUAL, events=100))
    taken = decode(encode(target, "predictions", 0, 100))

    def reset(path: Path) -> set[str]:
        found = restore(taken, Topic.PREDICTIONS, "predictions", 0, compared(path))
        return {series for _, series in found.reset}

    assert reset(training) == set()
    every = {"feature:amount", "feature:country", "prediction:n", "prediction:y"}
    assert reset(other) == every


def test_every_reference_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A file that is missing and one without rows are reported together, each with its entry."""
    empty = tmp_path / "empty.csv"
    empty.write_text("amount\n")
    models = [
        {"id": "a", "reference": str(tmp_path / "no.csv")},
        {"id": "b", "reference": str(empty)},
    ]
    with pytest.raises(ConfigError) as caught:
        Monitor({"models": models})
    first, second = str(caught.value).splitlines()
    assert first.startswith("config: models[0].reference: ")
    assert "no.csv cannot be read" in first
    assert second.startswith("config: models[1].reference: ")
    assert "has no rows" in second


def test_a_reference_and_whitening_exclude_each_other(training: Path) -> None:
    """Rows of a sample have no order to learn from: the config says which key to remove."""
    watch = [{"on": "*", "detectors": ["adwin"], "whiten": True}]
    with pytest.raises(ConfigError, match=r"models\[0\]\.watch\[0\]\.whiten: .*remove one"):
        compared(training, watch=watch)
