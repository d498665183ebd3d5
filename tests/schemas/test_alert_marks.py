"""Headers that say why nobody is paged for an alert."""

from alert_factory import alert

from streamproc.schemas.alert_marks import MAX_IDS, UNMARKED, AlertMarks, marks_of
from streamproc.schemas.alerts import AlertEvent


def test_marks_come_back_from_their_headers() -> None:
    """Ids of silences, maintenance windows and incidents are what was written."""
    marks = AlertMarks(("5d0e1f22a0b1", "maintenance:nightly-load"), ("0b71fe2290ac",))
    assert marks_of([("trace", b"1"), *marks.headers()]) == marks


def test_an_alert_without_marks_has_no_header() -> None:
    """Records of alerts that page are as they were before there were marks."""
    assert list(UNMARKED.headers()) == []


def test_a_header_is_bounded() -> None:
    """A thousand silences that cover an alert do not make its record too large for the topic."""
    marks = AlertMarks(tuple(map(str, range(1000))))
    [(_, value)] = marks.headers()
    assert value.count(b",") == MAX_IDS - 1
    assert len(marks_of([("silenced", b"x," * 1000)]).silenced_by) == MAX_IDS


def test_headers_of_others_are_read_without_an_error() -> None:
    """An empty header marks nothing, and one that is not UTF-8 ends no reader."""
    assert marks_of([("silenced", b""), ("inhibited", None)]) == UNMARKED
    assert marks_of([("silenced", b"\xff")]).silenced_by == ("\ufffd",)


def test_marks_are_no_part_of_the_value() -> None:
    """The value is a function of the input: silences change none of its bytes."""
    plain = alert()
    marked = plain.marked(AlertMarks(("5d0e1f22a0b1",)))
    assert (marked.silenced_by, plain.silenced_by) == (("5d0e1f22a0b1",), ())
    assert marked.to_json() == plain.to_json()
    assert AlertEvent.from_json(marked.to_json()) == plain
