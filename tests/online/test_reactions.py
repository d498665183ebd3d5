"""What follows when an online model's own error drifts: for every task, every reaction."""

from datetime import timedelta
from typing import Any

import msgspec
import numpy as np
import pytest
from online.model_streams import LINEAR, RIVER, changing
from online.outcome_streams import NOW, Row, asked_then_labelled, config, outcome

from streamproc.config.load import load
from streamproc.monitor import LogRecord
from streamproc.online.partition_models import Learned, PartitionModels
from streamproc.schemas.model_updates import ModelUpdate

CHANGE = 2500
TASKS = ["regression", "binary", "multiclass"]


def lived(task: str, models: Any, rows: list[Row] | None = None, **more: Any) -> Learned:
    """Let a model that learned from its first 800 labels only live through a change."""
    settled = config(models[task], train_for=800, interval="1h", **more)
    rows = rows or changing(task, 4000, CHANGE)
    return PartitionModels(settled, "outcomes", 0).process(asked_then_labelled(rows), NOW)


def steps(learned: Learned) -> list[tuple[str, int]]:
    """Give the steps that are more than learning, each with the version it is about."""
    return [(each.step, each.version) for each in learned.updates if each.step != "learned"]


def lost(learned: Learned, rows: list[Row], start: int) -> float:
    """Mean loss of the answers to these rows, from one of them on."""
    said = [answer.prediction for answer in learned.answers][start : len(rows)]
    labels = [label for _, label in rows[start:]]
    if isinstance(labels[0], float):
        pairs = zip(said, labels, strict=True)
        return float(np.mean([abs(mine - label) for mine, label in pairs]))  # type: ignore[operator]
    return float(np.mean([mine != label for mine, label in zip(said, labels, strict=True)]))


@pytest.mark.parametrize("models", [LINEAR, RIVER], ids=["compiled", "river"])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("on_drift", ["reset", "replace", "challenge"])
def test_a_reaction_to_drift_lowers_the_error(
    task: str, on_drift: str, models: dict[str, Any]
) -> None:
    """The drift is told, the reaction has it as its cause, and what answers then is better."""
    rows = changing(task, 4000, CHANGE)
    still = lived(task, models, rows, on_drift="notify")
    moved = lived(task, models, rows, on_drift=on_drift)
    firing = next(each for each in still.alerts if each.kind == "concept")
    assert CHANGE <= firing.source.offset // 2 < CHANGE + 500
    assert steps(still) == []
    expected = {"reset": "reset", "replace": "replaced", "challenge": "promoted"}[on_drift]
    step = next(each for each in moved.updates if each.step in {expected, "reset"})
    assert step.serving == step.version > 1
    assert step.cause in {each.alert_id for each in moved.alerts}
    assert lost(moved, rows, CHANGE + 700) < 0.8 * lost(still, rows, CHANGE + 700)


def test_a_model_that_was_warned_is_replaced_by_one_that_learned_since() -> None:
    """`replace` does not start from nothing: its background model has learned from the warning."""
    moved = lived("regression", LINEAR, on_drift="replace")
    replaced = next(each for each in moved.updates if each.step == "replaced")
    assert replaced.learned > 0
    assert ("challenger", replaced.version) in steps(moved)


def test_several_challengers_run_and_one_is_promoted() -> None:
    """Challengers of other settings start together; the losers are retired by name."""
    challengers = [LINEAR["binary"], ["dummy.PriorClassifier"], ["naive_bayes.GaussianNB"]]
    moved = lived("binary", LINEAR, on_drift="challenge", challengers=challengers)
    begun = [version for step, version in steps(moved) if step == "challenger"][:3]
    promoted = next(version for step, version in steps(moved) if step == "promoted")
    retired = [version for step, version in steps(moved) if step == "retired"][:2]
    assert begun == [2, 3, 4]
    assert sorted([promoted, *retired]) == begun
    assert promoted != 3


def test_challengers_that_do_not_prove_better_are_given_up() -> None:
    """After `patience` labels the champion is as it was, and the shadow empty."""
    moved = lived(
        "binary",
        LINEAR,
        on_drift="challenge",
        challengers=["dummy.PriorClassifier"],
        patience=90,
    )
    assert [step for step, _ in steps(moved)][:2] == ["challenger", "retired"]
    assert {each.serving for each in moved.updates} == {1}


@pytest.mark.parametrize("task", TASKS)
def test_a_promotion_that_turns_out_worse_is_taken_back(task: str) -> None:
    """The old world returns soon after: within the probation the version of before answers again.

    Nobody commands it, it errs less from then on, and updates tell of it as of any step.
    """
    there = changing(task, 3200, CHANGE)
    promoted = _told(lived(task, LINEAR, there, on_drift="challenge"), "promoted")
    back = promoted.source.offset // 2 + 60
    rows = [*there[:back], *changing(task, 2000, 2000, seed=2)]
    moved = lived(task, LINEAR, rows, on_drift="challenge", probation=1000)
    assert _told(moved, "promoted") == promoted
    rolled = _told(moved, "rolled_back")
    at = rolled.source.offset // 2
    assert back < at < promoted.source.offset // 2 + 1000
    assert (rolled.version, rolled.serving, rolled.cause) == (1, 1, None)
    assert [moved.answers[place].version for place in (at, at + 1, -1)] == [promoted.version, 1, 1]
    assert lost(moved, rows, at + 1) < 0.8 * lost(moved, rows[: at + 1], back)


def _told(learned: Learned, step: str) -> ModelUpdate:
    return next(each for each in learned.updates if each.step == step)


def test_an_operator_promotes_and_rolls_back() -> None:
    """Commands in the log take effect at their place, with the command as their cause."""
    rows = changing("binary", 2700, CHANGE)
    records: list[LogRecord] = list(asked_then_labelled(rows))
    settled = config(LINEAR["binary"], train_for=800, on_drift="challenge", patience=10**6)
    learners = PartitionModels(settled, "outcomes", 0)
    challenged = learners.process(records, NOW)
    offset = records[-1].offset + 1

    def command(verb: str, identity: str, **more: Any) -> Learned:
        nonlocal offset
        body = {"verb": verb, "id": identity, "model_id": "m", **more}
        value = msgspec.json.encode({"epoch": 1, "seq": offset, "command": body})
        record = LogRecord(offset, value, 0, b"m", [("command", b"1")])
        offset += 1
        return learners.process([record], NOW)

    assert len(learners.unreported_updates(0.0, 1e9)) == 1
    version = learners.models()[0]["serving"]
    other = [each.version for each in challenged.updates if each.step == "challenger"][-1]
    back = command("rollback", "ops#1") if version != 1 else command("promote", "ops#1")
    assert [each.cause for each in back.updates][:1] == ["ops#1"]
    assert learners.unreported_updates(0.0, 1e9) == []
    [update] = command("rollback", "ops#2", version=version).updates
    assert (update.step, update.serving, update.cause) == ("rolled_back", version, "ops#2")
    assert command("rollback", "ops#3", version=99).updates == []
    assert command("promote", "ops#4", version=99).updates == []
    assert other > 1
    # Whoever counts commands learns that these changed nothing, and why.
    done = [each.ignored for each in back.commands]
    assert done == [None]
    ignored = [command("rollback", "ops#5", version=99), command("promote", "ops#6")]
    assert [each.ignored for learned in ignored for each in learned.commands] == [
        "it keeps no earlier version 99",
        "it has no challenger",
    ]


def test_a_model_that_explodes_is_put_back_and_told() -> None:
    """A regression whose rate is far too high never answers nonsense; the others go on."""
    wild = ["linear_model.LinearRegression"]
    rows = [({"a": 1.0 + n % 3}, 1.0) for n in range(60)]
    rows += [({"a": 1e9}, 1.0), ({"a": -1e9}, 1.0), *rows]
    learned = PartitionModels(config(wild), "outcomes", 0).process(asked_then_labelled(rows), NOW)
    [*failed] = [alert for alert in learned.alerts if alert.kind == "system"]
    assert "restored to its state after" in failed[0].message
    assert [each.step for each in learned.updates if each.step == "failed"]
    assert max(abs(answer.prediction or 0.0) for answer in learned.answers[:120]) < 1e3  # type: ignore[arg-type]
    assert all(np.isfinite(answer.prediction or 0.0) for answer in learned.answers)  # type: ignore[arg-type]


def test_a_model_that_raises_is_isolated() -> None:
    """Multinomial naive Bayes fails at negative counts: an alert, and the other model learns on."""
    rows = [
        outcome(
            n, n, "labelled", model_id=who, features={"a": -100.0, "b": 300.0}, label=n % 2 == 0
        )
        for n, who in enumerate(["bad", "good"] * 20)
    ]
    settled = {"bad": "naive_bayes.MultinomialNB", "good": "naive_bayes.GaussianNB"}
    from streamproc.config.load import load  # noqa: PLC0415

    both = load(
        {"models": [{"id": key, "online": {"model": kind}} for key, kind in settled.items()]}
    )
    learners = PartitionModels(both, "outcomes", 0)
    learned = learners.process(rows, NOW)
    assert {(alert.model_id, alert.kind) for alert in learned.alerts} == {("bad", "system")}
    assert len(learned.alerts) <= 5
    assert learners.models()[1]["learned"] == 20


def test_the_end_of_a_drift_waits_for_event_time() -> None:
    """A model that still errs has settled, once `policy.resolve_after` passed without an alarm."""
    rows = changing("binary", 4000, CHANGE)
    settled = load(
        {
            "models": [{"id": "*", "online": {"model": LINEAR["binary"], "train_for": 800}}],
            "policy": {"resolve_after": {"values": 40, "time": "9m"}, "update_interval": "1d"},
        }
    )
    learned = PartitionModels(settled, "outcomes", 0).process(asked_then_labelled(rows), NOW)
    [firing, end, *later] = [each for each in learned.alerts if each.kind == "concept"]
    assert (firing.status, end.status) == ("firing", "settled")
    assert "higher than before" in end.message
    assert not [each for each in later if each.status == "resolved" and each.reason == "recovered"]
    assert end.ts - firing.ts >= timedelta(minutes=9)


def test_a_model_worse_than_the_floor_raises_an_alert_until_it_is_better() -> None:
    """The simple answer beside it wins, and loses again."""
    draw = np.random.default_rng(1)
    noise = [({"a": float(draw.normal())}, bool(draw.random() < 0.9)) for _ in range(800)]
    useful = [({"a": float(x)}, bool(x > 0)) for x in draw.normal(size=3000)]
    records = asked_then_labelled([*useful[:50], *noise, *useful])
    bad = config("naive_bayes.GaussianNB", train_for=50)
    learned = PartitionModels(bad, "outcomes", 0).process(records, NOW)
    floor = [(alert.status, alert.kind) for alert in learned.alerts if alert.detector == "floor"]
    assert floor[:2] == [("firing", "performance"), ("resolved", "performance")]


def test_a_single_error_is_not_said_to_be_a_rise() -> None:
    """`ddm` alarms at the first error of a model that made none: no mean is claimed of it."""
    rows: list[Row] = [({"a": 1.0}, "yes")] * 2000 + [({"a": 1.0}, "no")]
    learned = PartitionModels(config("dummy.PriorClassifier"), "outcomes", 0).process(
        asked_then_labelled(rows), NOW
    )
    [alert] = [alert for alert in learned.alerts if alert.kind == "concept"]
    assert "is 1 at one label, after a mean of 0 over the 1999 labels before" in alert.message
    assert "rose from" not in alert.message
    assert "1 labels" not in alert.message
