"""Labelled events whose time cannot be right."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec
from broker_topics import records
from faults.ending import all_done
from faults.matrix import Failed, Site
from faults.traffic import START, Sent, send, sent
from faults.verdicts import equal, same
from worker.running import WorkerProcess

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.schemas.model_updates import ModelUpdate

ORDER = 9.6
FAULT = (
    "a labelled event with a `ts` of the year 9999, of before 1970, 12 h ahead; with"
    " `labels.horizon` of an hour and of a week"
)
PASSES = (
    "the wrong times are counted and logged; each other event is joined, its model's updates go"
    " on as without, and so do those of other models; ≡G"
)
RIGHT = "right"
WRONG = {"year 9999": "9999-06-01T00:00:00Z", "negative": -1e9, "12 h ahead": None}
STEP, DELAY, AHEAD = 20, 600, 43_200  # seconds
ONLINE = {
    "model": ["preprocessing.StandardScaler", "linear_model.LogisticRegression"],
    "interval": "10m",
}
Times = dict[str, list[int]]


async def run(site: Site) -> str:
    """Give each of three models one event with a wrong time, and a fourth none."""
    figures = []
    for horizon in ("1h", "7d"):
        count = await _with(site, horizon)
        figures.append(f"{horizon}: {count} labels joined")
    return "; ".join(figures) + "; no update missing, each wrong time reported"


async def _with(site: Site, horizon: str) -> int:
    content = site.content(
        topics={"partitions": 1},
        labels={"horizon": horizon, "store": str(site.folder / horizon)},
        models=[{"id": "*", "task": "binary", "online": ONLINE}],
    )
    config, size = load(content), site.size(1000, 10_000)
    async with WorkerProcess(site.folder, content) as worker:
        await worker.port()
        log = list(_log(site, size))
        third = len(log) // 3
        for part in (log[:third], log[third:]):
            await send(config, part)
            await all_done(worker)
        reported = await worker.counted('labels_implausible_times_total{topic="predictions"}')
        same("wrong times counted", len(WRONG), reported)
        for model in WRONG:
            await worker.logged(model)
        same("exit code", 0, await worker.stop())
    await equal(config, least=0)
    joined = _joined([each.value for each in await records(config, "outcomes")])
    for model in (RIGHT, *WRONG):
        same(f"labels of {model!r} joined", size, joined[model])
    await _updates(config)
    return sum(joined.values())


def _log(site: Site, size: int) -> Iterator[Sent]:
    """Produce events and, ten minutes later, their labels; the wrong ones after a quarter."""
    logs: list[tuple[float, dict[str, Any]]] = []
    for number in range(size):
        at = START + number * STEP
        features = {"a": site.draw.random(), "b": site.draw.random()}
        truth = features["a"] > features["b"]
        for model in (RIGHT, *WRONG):
            names = {"model_id": model, "event_id": f"{number}"}
            event = {"features": features, "prediction": site.draw.random()}
            logs.append((at, names | {"ts": at} | event))
            logs.append((at + DELAY, names | {"ts": at + DELAY, "label": truth}))
            if number == size // 4 and model in WRONG:
                wrong = {"ts": WRONG[model] or at + AHEAD, "event_id": "wrong"}
                logs.append((at, names | event | wrong))
                logs.append((at + DELAY, names | wrong | {"ts": at + DELAY, "label": truth}))
    for at, event in sorted(logs, key=lambda each: each[0]):
        stream = "labels" if "label" in event else "predictions"
        yield sent(event)._replace(stream=stream, timestamp=int(at * 1000))


def _joined(values: list[bytes | None]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for value in values:
        if value is None:
            continue
        outcome = msgspec.json.decode(value)
        right = outcome.get("event_id") != "wrong"
        found[outcome.get("model_id")] += right and outcome.get("status") == "labelled"
    return found


async def _updates(config: Config) -> None:
    """Hold the updates of each model against those of the one that had no wrong time."""
    found: Times = defaultdict(list)
    for record in await records(config, "model_updates"):
        update = ModelUpdate.from_json(record.value)
        if update.step == "learned":
            found[update.model_id].append(update.learned)
    least = found[RIGHT]
    for model in WRONG:
        if len(found[model]) < len(least) or found[model][-1] < least[-1]:
            raise Failed(f"{model!r} has updates {found[model]}, {RIGHT!r} {least}")
