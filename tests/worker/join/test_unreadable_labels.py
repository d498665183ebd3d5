"""Labels that cannot be read: their dead letters, and alerts about models that have many."""

from collections import Counter
from collections.abc import Sequence

from streamproc.config.config import Config
from streamproc.join.entry import InputLog
from streamproc.join.join import Join
from streamproc.monitor import LogRecord
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.records import DeadLetter
from streamproc.worker.join.unreadable_labels import UnreadableLabels

READABLE = b'{"model_id":"fraud","event_id":"e%d","ts":1.75e9,"label":1}'
BROKEN = b'{"model_id":"fraud","event_id":"e%d","ts":1.75e9,"label":1'


class Published:
    """What was published."""

    def __init__(self) -> None:
        self.alerts: list[AlertEvent] = []
        self.letters: list[DeadLetter] = []

    async def publish(
        self, alerts: Sequence[AlertEvent], dead_letters: Sequence[DeadLetter]
    ) -> None:
        """Note them."""
        self.alerts += alerts
        self.letters += dead_letters


async def read(bodies: Sequence[bytes], size: int) -> tuple[Published, Counter[str]]:
    """Join labels in portions of a size, and publish what cannot be read."""
    config, published, counted = Config(), Published(), Counter[str]()
    join = Join(config, 0)
    letters = UnreadableLabels(config, 0, published, lambda detector: counted.update([detector]))
    records = [
        (InputLog.LABELS, LogRecord(offset, body % offset, 1_750_000_000_000, b"fraud"))
        for offset, body in enumerate(bodies)
    ]
    for start in range(0, len(records), size):
        portion = records[start : start + size]
        await letters.publish(portion, join.process(portion).dead_letters)
    return published, counted


async def test_labels_that_cannot_be_read_are_an_alert_until_they_can() -> None:
    """It names topic, reason and next step, and ends after a hundred readable labels."""
    bodies = [BROKEN] * 40 + [READABLE] * 100
    published, counted = await read(bodies, 7)
    fired, resolved = published.alerts
    assert (fired.detector, fired.model_id) == ("unreadable_labels", "fraud")
    assert fired.status == "firing"
    assert (fired.kind, fired.series, fired.severity) == ("system", "error", "critical")
    assert fired.source.offset == 9
    assert "streamproc dead-letters --topic labels" in fired.message
    assert "not_json" in fired.message
    assert (resolved.status, resolved.reason) == ("resolved", "recovered")
    assert resolved.incident_id == fired.incident_id
    assert resolved.source.offset == 139
    assert len(published.letters) == 40
    assert counted == {"unreadable_labels": 2}


async def test_any_portions_of_the_labels_give_the_same_alerts() -> None:
    """One label at a time, or all at once."""
    bodies = [BROKEN] * 15 + [READABLE] * 120 + [BROKEN] * 30
    found = [(await read(bodies, size))[0].alerts for size in (1, 50, 1000)]
    seen = [[(alert.alert_id, alert.message) for alert in alerts] for alerts in found]
    assert len(seen[0]) == 3
    assert seen[0] == seen[1] == seen[2]


async def test_some_labels_that_cannot_be_read_are_dead_letters_only() -> None:
    """One in four does not fire."""
    bodies = ([READABLE] * 3 + [BROKEN]) * 50
    published, counted = await read(bodies, 20)
    assert published.alerts == []
    assert len(published.letters) == 50
    assert not counted
