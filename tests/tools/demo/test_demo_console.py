import io
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from demo_performance import perform
from rich.console import Console
from rich.text import Text

from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.model_updates import ModelUpdate
from streamproc.tools.demo import MIN_EVENTS
from streamproc.tools.demo.accuracy import Course
from streamproc.tools.demo.dashboard import Dashboard
from streamproc.tools.demo.dashboard_online import lateness
from streamproc.tools.demo.display import Lines
from streamproc.tools.demo.events import Scenario
from streamproc.tools.demo.report import report, spell
from streamproc.tools.demo.score import Verdict, score
from streamproc.tools.demo.sparkline import Spark


@pytest.fixture(scope="module")
def story() -> Scenario:
    """Return the smallest story."""
    return Scenario(MIN_EVENTS)


@pytest.fixture(scope="module")
def alerts(story: Scenario) -> list[AlertEvent]:
    """Return what the pipeline says of it."""
    return perform(story).alerts


@pytest.fixture(scope="module")
def updates(story: Scenario) -> list[ModelUpdate]:
    """Return the steps of the online model."""
    return perform(story).updates


@pytest.fixture(scope="module")
def course(story: Scenario) -> Course:
    """Return what it answered."""
    return perform(story).course


class Worker:
    """Has counted a part of the story."""

    def __init__(self, story: Scenario) -> None:
        self._story = story

    def watched(self) -> int:
        """Return some number."""
        return 1234

    def asked(self) -> int:
        """Return the events of the one that learns."""
        return len(self._story.labels.came)

    def labelled(self) -> int:
        """Return its labels."""
        return self._story.labels.count


def _describe(alert: AlertEvent) -> Text:
    return Text(f"{alert.status} {alert.model_id}\n{alert.message}")


def _console(width: int, height: int = 40) -> Console:
    return Console(file=io.StringIO(), width=width, height=height, force_terminal=True)


def _written(console: Console, *what: object) -> str:
    with console.capture() as capture:
        console.print(*what)
    return Text.from_ansi(capture.get()).plain


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_report_names_every_incident(
    story: Scenario,
    alerts: list[AlertEvent],
    updates: list[ModelUpdate],
    course: Course,
    width: int,
) -> None:
    """Model, series, beginning, delay and detector of each incident are there, uncut."""
    verdict = score(story, alerts, updates)
    text = _written(_console(width), report(story, verdict, course, _describe, width))
    for found in verdict.findings:
        assert found.alert is not None
        unit = "labels" if found.incident.series == "error" else "events"
        for part in (
            found.incident.model_id,
            found.incident.series,
            f"{found.incident.began_at:%H:%M:%S}",
            f"{found.incident.began_at:%Y-%m-%d}",
            f"{found.events} {unit}",
            found.alert.detector,
        ):
            assert part in text
    assert "7 of 7 incidents found, no false incident, none called over" in " ".join(text.split())
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_report_says_what_each_step_was_worth(
    story: Scenario,
    alerts: list[AlertEvent],
    updates: list[ModelUpdate],
    course: Course,
    width: int,
) -> None:
    """Version, labels until it was taken, and errors before and after, of each step."""
    verdict = score(story, alerts, updates)
    text = _written(_console(width), report(story, verdict, course, _describe, width))
    for learnt in verdict.learnt:
        assert learnt.update is not None
        before = course.error(learnt.lesson.during, learnt.before)
        after = course.error(learnt.lesson.later, learnt.update.serving)
        assert f"{100 * (before or 0):.0f} % → {100 * (after or 0):.0f} %" in text
        assert f"{learnt.labels} labels" in text
        assert f"v{learnt.update.serving}" in text
    assert f"labels come {story.labels.delay} events late" in " ".join(text.split())
    assert "3 of 3 steps of the online model taken" in " ".join(text.split())


def test_the_report_says_what_was_missed_and_what_was_false(
    story: Scenario, alerts: list[AlertEvent], updates: list[ModelUpdate], course: Course
) -> None:
    """What was missed or not done is named; a false alarm has its message, a stray its step."""
    wrong = alerts[0].model_copy(update={"model_id": "ticket-router", "message": "hm"})
    told = [wrong, *(alert for alert in alerts if alert.model_id != "churn")]
    stray = updates[-1].model_copy(update={"step": "failed"})
    verdict = score(story, told, [*(each for each in updates if each.step != "rolled_back"), stray])
    text = _written(_console(100), report(story, verdict, course, _describe, 100))
    churn = next(one for one in story.incidents if one.model_id == "churn")
    flowing = " ".join(text.split())
    assert (
        "6 of 7 incidents found, 1 false incident, none called over while it lasts; 2 of 3 steps"
        in flowing
    )
    assert "Missed: churn prediction: the model answers higher" in text
    assert f"{churn.began_at:%Y-%m-%d %H:%M:%S}" in flowing
    assert f"Not taken: {story.lessons[2].title}" in flowing
    assert "Steps that nothing gave reason to:" in text
    assert "failed" in text
    assert "ticket-router\n hm" in text.replace("firing ", "").replace(" \n", "\n").replace(
        "  ", ""
    )
    assert "search-ranking did not change and raised no alert" in flowing


def test_the_report_says_what_was_called_over_and_which_season_is_not_known(
    story: Scenario, alerts: list[AlertEvent], course: Course
) -> None:
    """An alert that calls a fault over is shown as an error, and so is a season not learned."""
    fault = story.incidents[0]
    ended = next(each for each in alerts if each.model_id == fault.model_id).model_copy(
        update={"status": "resolved", "reason": "recovered", "message": "all is well"}
    )
    verdict = replace(
        score(story, [*alerts, ended]),
        seasons={("m", "prediction"): False, ("m", "feature:a"): True},
    )
    text = " ".join(_written(_console(100), report(story, verdict, course, _describe, 100)).split())
    assert "no false incident, 1 called over while it lasts;" in text
    assert "1 of 2 daily cycles learned" in text
    assert "Not known: m prediction follows the hour of the day" in text
    assert "Called over, though they last until the end: resolved heat-demand all is well" in text


def test_a_late_alert_is_shown_with_what_was_expected(
    story: Scenario, alerts: list[AlertEvent], course: Course
) -> None:
    """An incident found past its bound says what the bound was."""
    found = score(story, alerts).findings[1]
    late = type(found)(found.incident, found.alert, found.incident.within + 1, found.delay)
    shown = report(story, Verdict((late,), ()), course, _describe, 100)
    assert f"expected: {found.incident.within}" in _written(_console(100), shown)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (3599, "59 min 59 s"), (7380, "2 h 3 min")],
)
def test_delays_are_spelled_with_two_units(seconds: float, text: str) -> None:
    """Seconds, minutes and seconds, hours and minutes."""
    assert spell(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(("width", "height"), [(60, 24), (80, 24), (100, 40)])
def test_the_dashboard_fits_the_terminal(
    story: Scenario,
    alerts: list[AlertEvent],
    updates: list[ModelUpdate],
    course: Course,
    width: int,
    height: int,
) -> None:
    """Every model has its row and the newest alert its sentence, within the terminal's size."""
    console = _console(width, height)
    with Dashboard(console, _describe, story, course, Worker(story)) as dashboard:
        for told in story.tell():
            dashboard.sent(told)
        for update in updates:
            dashboard.step(update)
        for alert in alerts:
            dashboard.alert(alert)
    text = _written(console, dashboard.drawn())
    lines = text.splitlines()
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    for actor in story.models:
        assert f"{story.count(actor.id):,}" in text
        assert actor.id in text
    for incident in story.incidents:
        if incident.model_id != story.learner:
            assert f"● {incident.series}" in text
    assert alerts[-1].message[:40] in text
    assert f"1,234 of {MIN_EVENTS:,} events" in text


def test_an_alert_of_several_series_is_shown_whole(
    story: Scenario, alerts: list[AlertEvent], course: Course
) -> None:
    """What stands beneath a sentence, such as the shares of an incident, is set in like it."""
    console = _console(100)
    dashboard = Dashboard(console, _describe, story, course, Worker(story))
    dashboard.alert(alerts[0].model_copy(update={"message": "it rose\n    incident 6d1e: a 80 %"}))
    text = _written(console, dashboard.drawn()).replace(" \n", "\n")
    assert re.search(r"\n {5}it rose *\n {5}incident 6d1e: a 80 %", text)


def test_series_of_one_incident_are_one_false_incident(
    story: Scenario, alerts: list[AlertEvent], updates: list[ModelUpdate], course: Course
) -> None:
    """Two alarms that nothing gave reason to, of one incident, count once."""
    wrong = alerts[0].model_copy(update={"model_id": "ticket-router"})
    other = wrong.model_copy(update={"series": "feature:other", "alert_id": "other"})
    verdict = score(story, [*alerts, wrong, other], updates)
    text = _written(_console(100), report(story, verdict, course, _describe, 100))
    assert len(verdict.false) == 2
    assert ", 1 false incident, " in " ".join(text.split())


def test_the_dashboard_follows_the_model_that_learns(
    story: Scenario, updates: list[ModelUpdate], course: Course
) -> None:
    """How late labels are, how many come, both errors, who answers, and who learns beside it."""
    console = _console(100)
    dashboard = Dashboard(console, _describe, story, course, Worker(story))
    dashboard.step(updates[0])
    text = _written(console, dashboard.drawn())
    assert f"labels {story.labels.delay} events late · coverage 97 %" in text
    assert "v1 answers, v2 learn in its shadow" in text
    for update in updates[1:]:
        dashboard.step(update)
    text = _written(console, dashboard.drawn())
    recent = [course.rows[-200:], [story.labels.wrong(row) for row in course.rows[-200:]]]
    assert re.search(rf"production +{100 * sum(recent[1]) / 200:.0f} % [▁-█]+", text)
    assert re.search(r"online v3 +\d+ % [▁-█]+", text)
    assert "v3 answers\n" in text.replace(" \n", "\n")
    assert "v3 answers again" in text


def test_lines_tell_each_step_in_words(updates: list[ModelUpdate]) -> None:
    """Without a dashboard each step has its time, its version, and what it means."""
    console = Console(file=io.StringIO(), width=100)
    lines = Lines(console, _describe)
    with console.capture() as capture:
        for update in updates:
            lines.step(update)
    text = capture.get()
    promoted = next(update for update in updates if update.step == "promoted")
    assert f"{promoted.ts:%Y-%m-%d %H:%M:%S}" in text
    assert re.search(r"challenger +payments v2\n    v2, logistic regression, learns", text)
    assert re.search(r"naive Bayes, answers from here on: wrong in \d+ %, production in", text)
    assert re.search(r"rolled back +payments v3\n    v3 answers again", text)
    assert "\x1b" not in text


def test_coverage_is_of_events_whose_label_is_due(story: Scenario) -> None:
    """Before the first label is due nothing is said; later never more than all."""

    class Begins(Worker):
        def asked(self) -> int:
            return story.labels.delay

        def labelled(self) -> int:
            return 0

    assert lateness(story, Begins(story)) == f"labels {story.labels.delay} events late"
    assert lateness(story, Worker(story)).endswith("coverage 97 %")


def test_an_incident_is_shown_as_resolved_once_it_is(
    story: Scenario, alerts: list[AlertEvent], course: Course
) -> None:
    """What has settled is still open, and shown as such; what is resolved is not."""
    console = _console(100)
    dashboard = Dashboard(console, _describe, story, course, Worker(story))
    dashboard.alert(alerts[0])
    dashboard.alert(alerts[0].model_copy(update={"status": "settled"}))
    assert f"● {alerts[0].series}" in _written(console, dashboard.drawn())
    dashboard.alert(alerts[0].model_copy(update={"status": "resolved"}))
    text = _written(console, dashboard.drawn())
    assert f"○ {alerts[0].series}" in text
    assert "●" not in text


def test_a_spark_rises_with_its_series_and_shows_gaps() -> None:
    """Noise is level, a shift is high or low, missing values are dots, the rest is to come."""
    spark = Spark(values=200, width=10)
    for value in [0.0, 1.0] * 60 + [5.0] * 20 + [-5.0] * 20:
        spark.add(value)
    for _ in range(20):
        spark.add(None)
    assert str(spark) == "▄▄▄▄▄▄▇▁·"


def test_a_constant_spark_is_level() -> None:
    """A series without any spread is drawn, too."""
    spark = Spark(values=4, width=4)
    for _ in range(4):
        spark.add(3.0)
    assert str(spark) == "▄▄▄▄"
