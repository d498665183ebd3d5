import io
from datetime import timedelta

import pytest
from rich.console import Console
from rich.text import Text

from streamproc import Monitor
from streamproc.contract.alerts import AlertEvent
from streamproc.demo import LEAST_EVENTS
from streamproc.demo.dashboard import Dashboard
from streamproc.demo.judge import Verdict, judge
from streamproc.demo.report import report, spell
from streamproc.demo.spark import Spark
from streamproc.demo.story import Story


@pytest.fixture(scope="module")
def story() -> Story:
    """Return the smallest story."""
    return Story(LEAST_EVENTS)


@pytest.fixture(scope="module")
def alerts(story: Story) -> list[AlertEvent]:
    """Return what the pipeline says of it."""
    return Monitor().process(told.event for told in story.tell())


def _describe(alert: AlertEvent) -> Text:
    return Text(f"{alert.status} {alert.model_id}\n{alert.message}")


def _console(width: int, height: int = 40) -> Console:
    return Console(file=io.StringIO(), width=width, height=height, force_terminal=True)


def _written(console: Console, *what: object) -> str:
    with console.capture() as capture:
        console.print(*what)
    return Text.from_ansi(capture.get()).plain


@pytest.mark.parametrize("width", [80, 100])
def test_the_report_names_every_incident(
    story: Story, alerts: list[AlertEvent], width: int
) -> None:
    """Model, series, beginning, delay and detector of each incident are there, uncut."""
    verdict = judge(story, alerts)
    text = _written(_console(width), report(story, verdict, _describe))
    for found in verdict.findings:
        assert found.alert is not None
        for part in (
            found.incident.model_id,
            found.incident.series,
            f"{found.incident.began_at:%H:%M:%S}",
            f"{found.events} events",
            found.alert.detector,
        ):
            assert part in text
    assert "5 of 5 incidents found, no false incident." in text
    assert max(map(len, text.splitlines())) <= width


def test_the_report_says_what_was_missed_and_what_was_false(
    story: Story, alerts: list[AlertEvent]
) -> None:
    """A missed incident is named with its beginning, a false one with its message."""
    wrong = alerts[0].model_copy(update={"model_id": "ticket-router", "message": "hm"})
    verdict = judge(story, [wrong, *(a for a in alerts if a.model_id != "churn")])
    text = _written(_console(100), report(story, verdict, _describe))
    churn = next(one for one in story.incidents if one.model_id == "churn")
    assert "4 of 5 incidents found, 1 false incident" in text
    assert "Missed: churn prediction: the model answers higher" in text
    assert f"{churn.began_at:%Y-%m-%d %H:%M:%S}" in " ".join(text.split())
    assert "ticket-router\n hm" in text.replace("firing ", "").replace(" \n", "\n").replace(
        "  ", ""
    )
    assert "Nothing happened to search-ranking, and" in " ".join(text.split())


def test_a_late_alert_is_shown_with_what_was_expected(
    story: Story, alerts: list[AlertEvent]
) -> None:
    """An incident found past its bound says what the bound was."""
    found = judge(story, alerts).findings[1]
    late = type(found)(found.incident, found.alert, found.incident.within + 1, found.delay)
    text = _written(_console(100), report(story, Verdict((late,), ()), _describe))
    assert f"expected: {found.incident.within}" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (3599, "59 min 59 s"), (7380, "2 h 3 min")],
)
def test_delays_are_spelled_with_two_units(seconds: float, text: str) -> None:
    """Seconds, minutes and seconds, hours and minutes."""
    assert spell(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 40)])
def test_the_dashboard_fits_the_terminal(
    story: Story, alerts: list[AlertEvent], width: int, height: int
) -> None:
    """Every model has its row and the newest alert its sentence, within the terminal's size."""
    console = _console(width, height)
    with Dashboard(console, _describe, story, lambda: 1234) as dashboard:
        for told in story.tell():
            dashboard.sent(told)
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
        assert f"● {incident.series}" in text
    assert alerts[-1].message[:40] in text
    assert "1,234 of 5,000 events" in text


def test_a_resolved_incident_is_settled(story: Story, alerts: list[AlertEvent]) -> None:
    """What was open before is shown as settled once it is resolved."""
    console = _console(100)
    dashboard = Dashboard(console, _describe, story, lambda: 0)
    dashboard.alert(alerts[0])
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
