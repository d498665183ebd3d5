"""Compare published alerts and dead letters with a replay of the recorded events."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

from streamproc.alerting.system_alerts import STATE_GAP
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.records import DeadLetter, Record
from streamproc.terminal import count

SHOWN: Final = 10
"""Differences of a kind that a report names; the others are counted."""

RecordPosition = tuple[str, int, int, int]
"""Topic, partition, offset and index of what a dead letter is about."""


class DeadLetterView(NamedTuple):
    """What a dead letter says; `value` is None where the topic had no room for it."""

    reason: str
    detail: str
    value: bytes | None
    complete: bool


@dataclass
class Observed:
    """Alerts and dead letters without duplicates, in the order of their first publication.

    Attributes
    ----------
    alerts
        By id, without `detected_at`.
    series
        The ids of each series' alerts, in order. A series belongs to a partition of a topic.
    letters
        Dead letters by the event that they are about.
    repeated
        Number of repeated alerts and dead letters.
    odd
        What cannot be right whatever the events were.

    Parameters
    ----------
    ends
        By partition, the offset before which records count; what is about others is left out.
        None: all count.
    """

    ends: Mapping[tuple[str, int], int] | None = None
    alerts: dict[str, dict[str, Any]] = field(default_factory=dict)
    series: dict[tuple[Any, ...], list[str]] = field(default_factory=lambda: defaultdict(list))
    letters: dict[RecordPosition, DeadLetterView] = field(default_factory=dict)
    repeated: int = 0
    odd: list[str] = field(default_factory=list)

    def alert(self, alert: AlertEvent) -> None:
        """Add an alert; a duplicate must be equal to the first."""
        source = alert.source
        if self._later(source.topic, source.partition, source.offset):
            return
        payload = msgspec.json.decode(alert.to_json())
        del payload["detected_at"]
        known = self.alerts.setdefault(alert.alert_id, payload)
        if known is not payload:
            self.repeated += 1
            if known != payload:
                self.odd.append(
                    f"{_alert(payload)} was published twice, with {_differing(known, payload)}"
                )
            return
        series = source.topic, source.partition, alert.model_id, alert.series
        self.series[series].append(alert.alert_id)

    def letter(self, place: RecordPosition, letter: DeadLetterView) -> None:
        """Take a dead letter."""
        if self._later(*place[:3]):
            return
        known = self.letters.setdefault(place, letter)
        if known is not letter:
            self.repeated += 1
            if not _same(known, letter):
                self.odd.append(f"the dead letter of {_place(place)} is there twice, and differs")

    def dead(self, letters: Sequence[DeadLetter]) -> None:
        """Take dead letters as the pipeline gives them."""
        for each in letters:
            place = each.topic, each.partition, each.offset, each.index
            self.letter(
                place, DeadLetterView(each.reason.value, each.detail, each.value, complete=True)
            )

    def written(self, record: Record) -> None:
        """Take a dead letter as it is on its topic."""
        headers = dict(record.headers)
        try:
            text = {
                name: (value or b"").decode("utf-8", "replace") for name, value in headers.items()
            }
            place = (
                *(text["topic"], int(text["partition"]), int(text["offset"])),
                int(text.get("index", "-1")),
            )
            letter = DeadLetterView(
                text["reason"], text["detail"], record.value, "omitted" not in headers
            )
        except (KeyError, ValueError):
            self.odd.append(
                f"offset {record.offset} of the dead letters does not say of what it is"
            )
            return
        self.letter(place, letter)

    def _later(self, topic: str, partition: int, offset: int) -> bool:
        return self.ends is not None and offset >= self.ends.get((topic, partition), 0)


def differences(wanted: Observed, found: Observed) -> Iterator[str]:
    """Say, a line each, in what the topics differ from what they should hold."""
    yield from few(
        "is missing",
        [_alert(wanted.alerts[each]) for each in wanted.alerts if each not in found.alerts],
    )
    extra = [found.alerts[each] for each in found.alerts if each not in wanted.alerts]
    gaps = [alert for alert in extra if alert["detector"] == STATE_GAP]
    yield from few(
        "(state_gap): alerts behind it may be missing or differ because of that",
        [alert["message"] for alert in gaps],
    )
    yield from few("should not be there", [_alert(alert) for alert in extra if alert not in gaps])
    yield from few(
        "",
        [
            f"{_alert(alert)} differs in {_differing(alert, found.alerts[each])}"
            for each, alert in wanted.alerts.items()
            if each in found.alerts and alert != found.alerts[each]
        ],
    )
    yield from few(
        "",
        [
            f"the alerts of {key[3]} of model {key[2]!r} on {key[0]}-{key[1]} are in another order"
            for key, ids in wanted.series.items()
            if set(ids) == set(found.series.get(key, ())) and ids != found.series[key]
        ],
    )
    yield from few(
        "is missing",
        [
            f"the dead letter of {_place(each)} ({wanted.letters[each].reason})"
            for each in wanted.letters
            if each not in found.letters
        ],
    )
    yield from few(
        "should not be there",
        [
            f"the dead letter of {_place(each)} ({found.letters[each].reason})"
            for each in found.letters
            if each not in wanted.letters
        ],
    )
    yield from few(
        "",
        [
            f"the dead letter of {_place(each)} says {found.letters[each].reason},"
            f" {found.letters[each].detail!r}; it should say {letter.reason},"
            f" {letter.detail!r}, with the bytes as they came"
            for each, letter in wanted.letters.items()
            if each in found.letters and not _same(letter, found.letters[each])
        ],
    )
    yield from few("", found.odd)


def few(what: str, of_a_kind: Sequence[str]) -> Iterator[str]:
    """Give the first lines of a kind, and how many more there are."""
    for each in of_a_kind[:SHOWN]:
        yield f"{each} {what}".rstrip()
    if len(of_a_kind) > SHOWN:
        yield f"… and {count(len(of_a_kind) - SHOWN, 'more of this kind').removesuffix('s')}"


def _same(one: DeadLetterView, other: DeadLetterView) -> bool:
    values = one.value == other.value or not (one.complete and other.complete)
    return values and one[:2] == other[:2]


def _differing(one: dict[str, Any], other: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} ({one.get(name)!r} and {other.get(name)!r})"
        for name in sorted({*one, *other})
        if one.get(name) != other.get(name)
    )


def _alert(alert: dict[str, Any]) -> str:
    source = alert["source"]
    place = _place((source["topic"], source["partition"], source["offset"], -1))
    return (
        f"alert {alert['alert_id']}, {alert['status']}, {alert['series']} of model"
        f" {alert['model_id']!r}, {place}"
    )


def _place(place: RecordPosition) -> str:
    topic, partition, offset, index = place
    return f"{topic}-{partition}@{offset}" + (f"[{index}]" if index >= 0 else "")
