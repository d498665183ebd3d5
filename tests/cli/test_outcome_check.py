"""Outcomes are held against the events and labels that they come from."""

import json
import random
from collections.abc import Callable
from dataclasses import replace

from label_logs import abreast, hard_logs, tagged

from streamproc.cli.outcome_check import OutcomeCheck
from streamproc.config.config import Config
from streamproc.join.entry import InputLog
from streamproc.join.in_memory_join import JoinedLog
from streamproc.monitor import LogRecord
from streamproc.schemas.records import Record

LOGS = hard_logs(600, seed=5)
Change = Callable[[list[LogRecord], list[Record], list[Record]], object]


def differences(change: Change = lambda *_: None, begin: int = 0) -> list[str]:
    """Join logs, change outcomes, events or labels, and compare."""
    config = Config()
    logs = tagged(InputLog.PREDICTIONS, LOGS.events), tagged(InputLog.LABELS, LOGS.labels)
    mixed = abreast(random.Random(1), 3 * 86_400.0, *logs)
    joined, _ = JoinedLog(config, 0, lambda _: False).process(mixed)
    outcomes = [LogRecord(each.offset, each.value, 0, each.key) for each in joined]
    events, labels = ([record for _, record in log] for log in logs)
    change(outcomes, events, labels)
    check = OutcomeCheck(config, {("labels", 0): begin})
    check.take("outcomes", 0, outcomes)
    check.take("predictions", 0, events)
    check.take("labels", 0, labels)
    found = list(check.differences())
    assert check.outcomes
    return found


def settled(outcomes: list[LogRecord]) -> int:
    """Return the place of an outcome in the middle that is of an event and a label."""
    middle = len(outcomes) // 2
    return next(at for at in range(middle, len(outcomes)) if b'"labelled"' in outcomes[at].value)


def test_the_outcomes_of_a_join_are_explained() -> None:
    """Shuffled, repeated, revised, early and lonely labels give no difference."""
    assert differences() == []


def test_an_outcome_without_its_label_is_found() -> None:
    """A label that is not there, such as one of an aborted transaction, explains no outcome."""
    source: list[int] = []

    def remove(outcomes: list[LogRecord], _: object, labels: list[Record]) -> None:
        source.append(json.loads(outcomes[settled(outcomes)].value)["label_source"]["offset"])
        labels[:] = [each for each in labels if each.offset != source[0]]

    found = differences(remove)
    assert found
    assert all(f"labels-0@{source[0]} has no such label" in line for line in found)
    assert differences(remove, begin=10**6) == []  # retention took it: nobody can know


def test_an_outcome_with_another_label_is_found() -> None:
    """The value of the outcome has to be that of its label."""

    def change(outcomes: list[LogRecord], *_: object) -> None:
        at = settled(outcomes)
        value = json.loads(outcomes[at].value) | {"label": "made up"}
        outcomes[at] = replace(outcomes[at], value=json.dumps(value).encode())

    found = differences(change)
    assert any("no label explains outcome" in line for line in found)


def test_an_outcome_that_counts_twice_is_found() -> None:
    """The same outcome under a later number is one too many."""

    def double(outcomes: list[LogRecord], *_: object) -> None:
        at = settled(outcomes)
        value = json.loads(outcomes[at].value) | {"seq": len(outcomes)}
        outcomes.append(LogRecord(len(outcomes), json.dumps(value).encode(), 0, b"m"))

    [line] = differences(double)
    assert line.endswith("counts twice")


def test_an_outcome_that_is_missing_is_found() -> None:
    """A label that was joined, and its event, must have led to an outcome."""

    def remove(outcomes: list[LogRecord], *_: object) -> None:
        gone = json.loads(outcomes[settled(outcomes)].value)["event_id"]
        outcomes[:] = [each for each in outcomes if json.loads(each.value).get("event_id") != gone]

    assert any("is missing" in line for line in differences(remove))


def test_an_event_that_was_never_there_is_found() -> None:
    """An outcome names an event that the topic must have."""

    def remove(outcomes: list[LogRecord], events: list[Record], _: object) -> None:
        gone = json.loads(outcomes[settled(outcomes)].value)["event_source"]["offset"]
        events[:] = [each for each in events if each.offset != gone]

    assert any("no event explains outcome" in line for line in differences(remove))
