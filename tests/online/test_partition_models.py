"""Online models are a function of the outcomes: however they are cut, saved and restored."""

import itertools
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from online.model_streams import LINEAR, RIVER, changing
from online.outcome_streams import NOW, asked_then_labelled, config, outcome

from streamproc.config.config import Config
from streamproc.monitor import LogRecord
from streamproc.online.partition_models import ModelStateError, PartitionModels
from streamproc.schemas.model_updates import ModelUpdate, OnlinePrediction
from streamproc.schemas.records import Record

DRIFTING = {
    "probation": 200,
    "patience": 600,
    "interval": "100s",
    "train_for": 500,
}
DETECTOR = {"regression": "page_hinkley", "binary": "ddm", "multiclass": "ddm"}
ACTIONS = ["notify", "reset", "replace", "challenge"]


def story(task: str, delay: int) -> list[Any]:
    """Make outcomes with a change, with revised labels and a command among them."""
    records: list[Any] = asked_then_labelled(changing(task, 1500, 900), delay)
    first = records[-1].offset + 1
    label = {"regression": 2.0, "binary": True, "multiclass": "low"}[task]
    features = {"a": 1.0, "b": 2.0, "new": 3.0}
    for place in range(20):
        status = ("asked", "labelled", "revised")[place % 3]
        fields = {} if status == "asked" else {"label": label}
        records.append(
            outcome(first + place, f"late{place // 3}", status, features=features, **fields)
        )
    return records


def run(
    config: Config, records: Sequence[Record], cuts: Sequence[int], *, saved: bool
) -> tuple[list[bytes], bytes]:
    """Take records in slices, perhaps through a saved state between each two."""
    learners, said = PartitionModels(config, "outcomes", 0), []
    for start, stop in itertools.pairwise([0, *cuts, len(records)]):
        learned = learners.process(records[start:stop], NOW)
        answers, updates, alerts = learned.answers, learned.updates, learned.alerts
        said += [("answer", each.to_json()) for each in answers]
        said += [("update", each.to_json()) for each in updates]
        said += [("alert", each.to_json()) for each in alerts]
        if saved:
            state, learners = learners.state(), PartitionModels(config, "outcomes", 0)
            learners.restore(state)
    ordered = [
        text for kind in ("answer", "update", "alert") for what, text in said if what == kind
    ]
    return ordered, learners.state()


@pytest.mark.parametrize("models", [LINEAR, RIVER], ids=["compiled", "river"])
@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
@pytest.mark.parametrize("on_drift", ACTIONS)
def test_any_split_and_any_pause_give_the_same(
    task: str, on_drift: str, models: dict[str, Any]
) -> None:
    """Slices of any size, each with a saved and restored state between, change no bit."""
    draw = random.Random(f"{task}{on_drift}")
    settled = config(models[task], on_drift=on_drift, detectors=[DETECTOR[task]], **DRIFTING)
    records = story(task, 30)
    whole = run(settled, records, [], saved=False)
    cuts = sorted(draw.sample(range(1, len(records)), 12))
    assert run(settled, records, cuts, saved=False) == whole
    assert run(settled, records, cuts, saved=True) == whole


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(1, 400), max_size=30, unique=True), delay=st.integers(0, 40))
def test_any_split_of_many_keys_gives_the_same(cuts: list[int], delay: int) -> None:
    """Models of several shops, asked and labelled in any interleaving, are cut nowhere."""
    rows = changing("binary", 220, 100)
    tags = [{"shop": str(row * row % 7)} for row in range(len(rows))]
    records = asked_then_labelled(rows, delay, tags)
    settled = config(LINEAR["binary"], on_drift="replace", per=["shop"], pending=25, max_models=5)
    whole = run(settled, records, [], saved=False)
    assert run(settled, records, sorted(cuts), saved=True) == whole


def uneven(task: str, rows: int, keys: int) -> list[LogRecord]:
    """Make outcomes of several models, with all that makes one event unlike another."""
    draw = random.Random(task)
    waiting: list[tuple[int, dict[str, Any], Any]] = []
    records: list[LogRecord] = []

    def add(event: int, status: str, fields: dict[str, Any]) -> None:
        records.append(outcome(len(records), event, status, **fields))

    for event, (x, label) in enumerate(changing(task, rows, rows // 2)):
        odd: dict[str, Any] = draw.choice([{}, {}, {"t": "text"}, {"e": [1.0, 2.0]}, {"b": None}])
        odd = {f"x{event % 5}": 1.5} if event % 11 == 0 else odd
        said = {"regression": label, "binary": 0.7, "multiclass": {"low": 0.6, "high": 0.4}}[task]
        fields: dict[str, Any] = {"model_id": f"m{draw.randrange(keys)}", "features": {**x, **odd}}
        if event % 3 == 0:
            fields["prediction"] = said
        if event % 7:
            add(event, "asked", fields)
        none_of_it = event % 40 == 0
        waiting.append((event, fields, ["no", "label"] if none_of_it else label))
        while len(waiting) > 20 or (waiting and draw.random() < 0.4):
            past, given, truth = waiting.pop(draw.randrange(len(waiting)))
            of_no_kind = isinstance(truth, list)
            truth = (None if task == "multiclass" else "cat") if of_no_kind else truth
            add(past, "labelled", {**given, "label": truth})
            if past % 9 == 0:
                add(past, "revised", {**given, "label": label})
    return records


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
@pytest.mark.parametrize("on_drift", ["notify", "challenge"])
def test_each_of_many_models_is_what_it_would_be_alone(task: str, on_drift: str) -> None:
    """Models that are taken together say, and become, exactly what each does by itself."""
    settled = config(LINEAR[task], on_drift=on_drift, **DRIFTING)
    records = uneven(task, 1200, 8)
    together = run(settled, records, [400], saved=False)[0]
    alone = []
    for key in range(8):
        of_key = [each for each in records if f'"model_id":"m{key}"'.encode() in each.value]
        assert of_key
        alone += run(settled, of_key, [], saved=False)[0]
    assert sorted(alone) == sorted(together)


@pytest.mark.parametrize("model", [LINEAR["multiclass"], RIVER["multiclass"]])
def test_any_split_of_uneven_events_gives_the_same(model: object) -> None:
    """New classes and features, and labels of no kind, count from their own place on."""
    draw = random.Random(5)
    settled = config(model, on_drift="challenge", **DRIFTING | {"interval": "20s"})
    records = uneven("multiclass", 600, 3)
    whole = run(settled, records, [], saved=False)
    for _ in range(3):
        cuts = sorted(draw.sample(range(1, len(records)), 20))
        assert run(settled, records, cuts, saved=True) == whole


def test_an_answer_names_no_class_that_came_later() -> None:
    """Asked before a label of a new class came, a model does not know that class."""
    x = {"features": {"a": 1.0}}
    rows = [
        outcome(0, "first", "labelled", label="cat", **x),
        outcome(1, "asked", "asked", **x),
        outcome(2, "second", "labelled", label="dog", **x),
        outcome(3, "again", "asked", **x),
    ]
    learned = PartitionModels(config(LINEAR["multiclass"]), "outcomes", 0).process(rows, NOW)
    assert [set(each.probabilities or {}) for each in learned.answers] == [{"cat"}, {"cat", "dog"}]


def test_what_is_published_is_of_the_contract() -> None:
    """Every answer and update reads back as the contract's event, and writes the same bytes."""
    learned = PartitionModels(config(LINEAR["multiclass"], interval="10s"), "outcomes", 0).process(
        story("multiclass", 5), NOW
    )
    for answer in learned.answers:
        assert OnlinePrediction.from_json(answer.to_json()).to_json() == answer.to_json()
        assert answer.event().to_json() == answer.to_json()
    for update in learned.updates:
        assert ModelUpdate.from_json(update.to_json()) == update
    assert len({update.update_id for update in learned.updates}) == len(learned.updates)
    assert learned.answers
    assert learned.updates


def test_a_label_is_judged_by_the_answer_that_was_given() -> None:
    """A model that learned the truth after it was asked has no better record for it."""
    ask = [outcome(0, "first", "asked", features={"a": 1.0})]
    teach = [
        outcome(1 + n, f"n{n}", "labelled", features={"a": 1.0}, label="yes") for n in range(50)
    ]
    judge = [outcome(60, "first", "labelled", features={"a": 1.0}, label="yes")]
    learners = PartitionModels(config("naive_bayes.GaussianNB", interval="1ms"), "outcomes", 0)
    learners.process([*ask, *teach], NOW)
    [before] = learners.models()
    learners.process(judge, NOW)
    [after] = learners.models()
    assert before["metrics"]["accuracy"] == after["metrics"]["accuracy"] == 1.0
    assert after["learned"] == before["learned"] + 1


def test_revisions_are_learned_and_not_judged() -> None:
    """A revised label teaches; the prequential record counts each event once."""
    rows = [
        outcome(0, "e", "labelled", features={"a": 1.0}, label=1.0),
        outcome(1, "e", "revised", features={"a": 1.0}, label=2.0),
        outcome(2, "e", "late", features={"a": 1.0}, label=5.0),
        outcome(3, "f", "unmatched", label=5.0),
    ]
    learners = PartitionModels(config("linear_model.LinearRegression"), "outcomes", 0)
    learners.process(rows, NOW)
    [model] = learners.models()
    assert model["learned"] == 2
    assert model["metrics"]["mae"] == 1.0


def test_labels_of_another_type_are_counted_and_not_learned() -> None:
    """A text is no number: the regression goes on without it."""
    rows = [
        outcome(0, "e", "labelled", features={"a": 1.0}, label="cat"),
        outcome(1, "f", "labelled", features={"a": 1.0}, label=2.0),
    ]
    learners = PartitionModels(config("linear_model.LinearRegression"), "outcomes", 0)
    learners.process(rows, NOW)
    [model] = learners.models()
    assert (model["skipped"], model["learned"]) == (1, 1)


def test_the_record_of_production_stands_beside() -> None:
    """Production is judged on the same events, whatever the form of what it says."""
    said: list[Any] = [0.9, {"true": 0.8, "false": 0.2}, True, "true", 0.2]
    rows = [
        outcome(n, n, "labelled", features={"a": 1.0}, label=True, prediction=prediction)
        for n, prediction in enumerate(said)
    ]
    learners = PartitionModels(config("linear_model.LogisticRegression"), "outcomes", 0)
    learners.process(rows, NOW)
    [model] = learners.models()
    assert model["metrics"]["production_accuracy"] == 0.8
    assert model["metrics"]["floor_accuracy"] == 1.0


def test_more_models_than_allowed_are_refused_once() -> None:
    """A producer that makes up tags fills no memory, and one alert says so."""
    rows = [outcome(n, n, "asked", features={"a": 1.0}, tags={"shop": f"s{n}"}) for n in range(100)]
    learners = PartitionModels(
        config("naive_bayes.GaussianNB", per=["shop"], max_models=10), "outcomes", 0
    )
    learned = learners.process(rows, NOW)
    assert len(learned.answers) == len(learners.models()) == 10
    assert [alert.kind for alert in learned.alerts] == ["system"]
    assert "online.max_models, 10, is reached" in learned.alerts[0].message
    assert learners.refused == 90


@pytest.mark.parametrize("per", [[], ["shop"]], ids=["one model", "a model for each shop"])
def test_text_features_that_a_model_leaves_out_are_reported_once(per: list[str]) -> None:
    """The alert names them and what reads texts; a restart does not repeat it."""
    features = {"a": 1.0, "country": "DE", "plan": "pro"}
    rows = [outcome(n, n, "asked", features=features, tags={"shop": f"s{n % 3}"}) for n in range(9)]
    settings = config(LINEAR["binary"], per=per)
    learners = PartitionModels(settings, "outcomes", 0)
    [alert] = learners.process(rows[:4], NOW).alerts
    assert (alert.kind, alert.detector, alert.severity) == ("system", "inputs", "info")
    assert "leaves out text features: 'country', 'plan'; its first step" in alert.message
    restarted = PartitionModels(settings, "outcomes", 0)
    restarted.restore(learners.state())
    assert restarted.process(rows[4:], NOW).alerts == []


def test_a_model_that_reads_texts_leaves_none_out() -> None:
    """Trees split by texts as they are."""
    learners = PartitionModels(config(["tree.HoeffdingTreeClassifier"]), "outcomes", 0)
    row = outcome(0, 0, "asked", features={"country": "DE"})
    assert learners.process([row], NOW).alerts == []


def test_a_changed_model_starts_anew_and_others_go_on() -> None:
    """The state of another configuration is not loaded."""
    records = story("binary", 5)
    before = PartitionModels(config(LINEAR["binary"]), "outcomes", 0)
    before.process(records, NOW)
    same, other = (
        PartitionModels(config(LINEAR["binary"], **more), "outcomes", 0)
        for more in ({}, {"keep": 7})
    )
    same.restore(before.state())
    other.restore(before.state())
    assert same.models() == before.models()
    assert other.models() == []


@pytest.mark.parametrize("state", [b"", b"\x80", b"\xc1", b"cposix\nsystem\n(S'id'\ntR."])
def test_what_is_no_state_is_refused(state: bytes) -> None:
    """A foreign state is an error that says so, never loaded in part."""
    with pytest.raises(ModelStateError):
        PartitionModels(config(LINEAR["binary"]), "outcomes", 0).restore(state)


def test_what_was_learned_and_not_told_can_be_told_without_a_trace() -> None:
    """Where labels end within an interval, the rest is told, as often as one asks, with one id."""
    log = asked_then_labelled(changing("binary", 100, 100))
    learners = PartitionModels(config(LINEAR["binary"], interval="30s"), "outcomes", 0)
    learned = learners.process(log, NOW)
    state = learners.state()
    [update] = learners.unreported_updates(0.0, 30.0)
    assert update == learners.unreported_updates(29.9, 60.0)[0]
    assert learners.unreported_updates(0.0, 29.9) == learners.unreported_updates(30.0, 90.0) == []
    assert learners.state() == state
    assert (update.step, update.version, update.learned) == ("learned", 1, 100)
    assert update.source.offset == log[-1].offset
    assert update.parameters != learned.updates[-1].parameters
    assert update.update_id not in {each.update_id for each in learned.updates}
    again = PartitionModels(config(LINEAR["binary"], interval="30s"), "outcomes", 0)
    again.restore(state)
    assert again.unreported_updates(0.0, 30.0) == [update]


def test_what_was_told_is_no_rest() -> None:
    """After an update with the last label in it there is nothing to add."""
    log = asked_then_labelled(changing("binary", 60, 60))
    learners = PartitionModels(config(LINEAR["binary"], interval="30s"), "outcomes", 0)
    learners.process(log, NOW)
    assert [each.learned for each in learners.unreported_updates(0.0, 30.0)] == [60]
    told = learners.process(
        [outcome(121, "x", "labelled", features={"a": 1.0, "b": 2.0, "c": 1.0}, label=True)], NOW
    )
    assert [each.learned for each in told.updates] == [61]
    assert learners.unreported_updates(0.0, 30.0) == []


def test_an_answer_names_the_classes_known_before_it() -> None:
    """A class that is met later in the same slice is in no answer before it, nor in the state."""
    settled = config(RIVER["multiclass"])
    rows = [({"a": float(place)}, "low" if place < 20 else "high") for place in range(40)]
    records = asked_then_labelled(rows, 3)
    apart = list(range(1, len(records)))
    assert run(settled, records, [], saved=False) == run(settled, records, apart, saved=False)
    half = records[:45]  # three are still to be labelled
    assert run(settled, half, [], saved=False) == run(settled, half, apart[:44], saved=False)


def test_a_label_that_is_none_tells_nothing() -> None:
    """An outcome without a label is never the moment at which learning is told, in any split."""
    settled = config(LINEAR["binary"], interval="10s")
    rows: list[Any] = [({"a": float(place)}, place % 2 == 0) for place in range(60)]
    records = [
        outcome(place, place, "labelled", features=row, **({} if place % 10 == 1 else {"label": y}))
        for place, (row, y) in enumerate(rows)
    ]
    apart = list(range(1, len(records)))
    assert run(settled, records, [], saved=False) == run(settled, records, apart, saved=False)
