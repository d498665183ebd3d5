from datetime import UTC, datetime

from alert_factory import alert

from streamproc.alerting.system_alerts import state_gap
from streamproc.cli.replay_compare import SHOWN, DeadLetterView, Observed, differences


def said(*ids: str) -> Observed:
    """Return alerts of one series in an order."""
    found = Observed()
    for each in ids:
        found.alert(alert(each))
    return found


def test_equal_is_no_difference() -> None:
    """The same alerts in the same order, however often each was said, are equal."""
    assert list(differences(said("a", "b"), said("a", "b", "a", "b"))) == []


def test_the_order_within_a_series_counts() -> None:
    """Alerts of a series that came in another order are a difference."""
    [line] = differences(said("a", "b"), said("b", "a"))
    assert line.endswith("are in another order")


def test_many_differences_are_a_few_lines() -> None:
    """A report does not flood the terminal."""
    lines = list(differences(said(*map(str, range(100))), Observed()))
    assert len(lines) == SHOWN + 1
    assert lines[-1] == "… and 90 more of this kind"


def test_a_dead_letter_without_room_for_its_value_is_equal() -> None:
    """A value that the topic had no room for cannot be compared; its reason can."""
    place = "predictions", 0, 7, -1
    wanted, found, other = Observed(), Observed(), Observed()
    wanted.letter(place, DeadLetterView("too_large", "…", b"x" * 100, complete=True))
    found.letter(place, DeadLetterView("too_large", "…", None, complete=False))
    other.letter(place, DeadLetterView("not_json", "…", None, complete=False))
    assert list(differences(wanted, found)) == []
    [line] = differences(wanted, other)
    assert "predictions-0@7 says not_json" in line


def test_what_lies_behind_the_ends_is_left_out() -> None:
    """Alerts of records that were not compared are no difference."""
    source = alert("a").source
    place = source.topic, source.partition
    before, behind = Observed({place: source.offset}), Observed({place: source.offset + 1})
    before.alert(alert("a"))
    behind.alert(alert("a"))
    assert (len(before.alerts), len(behind.alerts)) == (0, 1)


def test_a_gap_of_the_state_is_given_as_the_cause_of_what_is_missing() -> None:
    """An alert about a gap does not follow from records; the report says where and why it was."""
    found, now = said("a"), datetime(2026, 1, 5, tzinfo=UTC)
    found.alert(state_gap(("predictions", 0), (3, 9), "offsets 3 to 8 are lost to retention", now))

    [missing, gap] = differences(said("a", "b"), found)

    assert missing.endswith("is missing")
    assert "goes on at offset 9: offsets 3 to 8 are lost to retention (state_gap)" in gap
