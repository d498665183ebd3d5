"""Logs of events and labels, what their join has to give, and ways to read them."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any

from streamproc.config.load import load
from streamproc.join.batch_join import JoinResult
from streamproc.join.entry import InputLog
from streamproc.join.join import Join
from streamproc.join.watermark import Candidate, advance
from streamproc.monitor import LogRecord
from streamproc.schemas.records import Record

DAY = 86_400.0
BEGIN = 1.7e9
Tagged = tuple[InputLog, Record]
Pair = tuple[str, str, int, Any]


@dataclass(frozen=True)
class Logs:
    """Two logs, and the pairs that they hold: (status, event_id, revision, label)."""

    events: list[dict[str, Any]] = field(default_factory=list)
    labels: list[dict[str, Any]] = field(default_factory=list)
    pairs: Counter[Pair] = field(default_factory=Counter)


def hard_logs(count: int, seed: int, horizon: float = 7 * DAY, *, binary: bool = False) -> Logs:
    """Draw labels that are shuffled, there three times, revised, missing and early.

    30 % of the events have no label, 5 % one from before them, 20 % a revision; 10 % of the
    labels belong to no event.
    """
    draw = random.Random(seed)
    logs = Logs()
    sent: list[tuple[float, float, dict[str, Any]]] = []
    for number in range(count):
        ts = BEGIN + number * horizon / count / 2
        name = f"e{number}"
        logs.events.append(
            {"model_id": "m", "event_id": name, "ts": ts, "prediction": draw.random()}
        )
        if draw.random() < 0.3:
            continue
        delay = draw.uniform(0, horizon / 4)
        if draw.random() < 0.05 / 0.7:
            delay = -delay
        values: list[Any] = [draw.choice([True, False] if binary else [True, False, 1.0, "cat"])]
        if draw.random() < 0.2:
            values.append(not values[0] if binary else "dog")
        for revision, value in enumerate(values, 1):
            status = "labelled" if revision == 1 else "revised"
            logs.pairs[status, name, revision, value] += 1
            label = {"model_id": "m", "event_id": name, "ts": ts + delay, "label": value}
            # All three of the first come before all three of the second: a repeated first one
            # that comes after a revision is a revision too.
            sent += [(revision, draw.random(), label)] * 3
    for number in range(count // 10):
        label = {"model_id": "m", "event_id": f"none{number}", "ts": BEGIN, "label": 1.0}
        sent.append((1, draw.random(), label))
    sent.sort(key=lambda item: item[:2])
    logs.labels.extend(label for _, _, label in sent)
    return logs


def tagged(log: InputLog, events: Iterable[dict[str, Any]]) -> list[Tagged]:
    """Make the records of a log."""
    return [
        (log, LogRecord(offset, json.dumps(event).encode(), 0, event["model_id"].encode()))
        for offset, event in enumerate(events)
    ]


def interleaved(draw: random.Random, *logs: Sequence[Tagged]) -> list[Tagged]:
    """Mix logs, each in its order."""
    turns = [number for number, log in enumerate(logs) for _ in log]
    draw.shuffle(turns)
    rest = [iter(log) for log in logs]
    return [next(rest[turn]) for turn in turns]


def abreast(draw: random.Random, apart: float, *logs: Sequence[Tagged]) -> list[Tagged]:
    """Mix logs of one model, each in its order, no watermark further ahead than `apart` seconds.

    `apart` is the horizon, too.
    """
    clocks = [watermarks([json.loads(r.value or b"")["ts"] for _, r in log], apart) for log in logs]
    at, mixed = [0, 0], []
    while rest := [number for number in (0, 1) if at[number] < len(logs[number])]:
        following = {number: clocks[number][at[number]] for number in rest}
        allowed = [n for n in rest if following[n] <= min(following.values()) + apart]
        number = draw.choice(allowed)
        mixed.append(logs[number][at[number]])
        at[number] += 1
    return mixed


def watermarks(times: Iterable[float], horizon: float) -> list[float]:
    """Return the watermark of a log after each of its times."""
    candidate = Candidate()
    following = accumulate(
        times, lambda mark, time: advance(mark, candidate, time, horizon), initial=float("-inf")
    )
    return list(following)[1:]


def join(horizon: str = "7d", asks: Callable[[str], bool] = lambda _: False, **labels: Any) -> Join:
    """Make an empty join of partition 0."""
    return Join(load({"labels": {"horizon": horizon, **labels}}), 0, asks=asks)


def parts(records: Sequence[Tagged], cuts: Iterable[int]) -> Iterable[Sequence[Tagged]]:
    """Cut records before each of `cuts`."""
    edges = [0, *sorted(cut % (len(records) + 1) for cut in cuts), len(records)]
    return (records[start:stop] for start, stop in pairwise(edges))


def pairs(joined: Iterable[JoinResult]) -> Counter[Pair]:
    """Count what was joined, as `Logs.pairs`."""
    found: Counter[Pair] = Counter()
    for outcome in outcomes(joined):
        if outcome["status"] in {"labelled", "revised"}:
            names = outcome["status"], outcome["event_id"], outcome["revision"]
            found[(*names, outcome["label"])] += 1
    return found


def outcomes(joined: Iterable[JoinResult]) -> list[dict[str, Any]]:
    """Read all outcomes, in their order."""
    drafts = [draft for one in joined for draft in one.drafts]
    return [json.loads(draft.numbered(0, seq)) for seq, draft in enumerate(drafts)]
