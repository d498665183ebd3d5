"""Events with labels, and what became of the labels, counted from the topics without a replay."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from broker_topics import records
from faults.matrix import Failed
from faults.traffic import Sent, sent

from streamproc.config.config import Config
from streamproc.schemas.model_updates import ModelUpdate

Label = tuple[str, str]
"""Model and event of a label."""
ONLINE = {
    "model": ["preprocessing.StandardScaler", "linear_model.LinearRegression"],
    "interval": "1m",
}
# An update comes every minute of event time, in which a model has 60 events.
MAX_UNREPORTED = 60


def with_label(event: dict[str, Any]) -> Iterator[Sent]:
    """Give an event, and its label."""
    yield sent(event)
    names = {name: event[name] for name in ("model_id", "event_id", "ts")}
    yield sent(names | {"label": event["prediction"] + 0.1})._replace(stream="labels")


async def labels_on_topic(config: Config) -> Counter[Label]:
    """Count the labels that their topic holds."""
    found = [json.loads(record.value) for record in await records(config, "labels")]
    return Counter((label["model_id"], label["event_id"]) for label in found)


async def same_labels(config: Config, labels: Counter[Label]) -> None:
    """Fail unless each label is joined once, by the rule of docs/labels.md, and learned once."""
    joined = await _joined(config)
    missing, extra = labels - joined, joined - labels
    if missing or extra:
        count = missing.total(), extra.total()
        raise Failed(f"{count[0]} labels are not joined, {count[1]} twice or of no label")
    learned: dict[str, int] = {}
    for record in await records(config, "model_updates"):
        update = ModelUpdate.from_json(record.value)
        learned[update.model_id] = max(learned.get(update.model_id, 0), update.learned)
    wanted = Counter(model for model, _ in labels.elements())
    if any(
        not 0 <= count - learned.get(name, 0) <= MAX_UNREPORTED for name, count in wanted.items()
    ):
        raise Failed(f"of {dict(wanted)} labels the last updates have {learned}")


async def _joined(config: Config) -> Counter[Label]:
    last: dict[int, tuple[int, int]] = {}
    joined = Counter[Label]()
    for record in await records(config, "outcomes"):
        mark = dict(record.headers).get("epoch")
        value = json.loads(record.value) if record.value else {}
        place = (int(mark), -1) if mark else (value["epoch"], value["seq"])
        if place <= last.get(record.partition, (-1, -1)):
            continue
        last[record.partition] = place
        if value.get("status") == "labelled":
            joined[value["model_id"], value["event_id"]] += 1
    return joined
