"""The owner of the incidents is killed while incidents are sent to a pager in groups."""

import asyncio
import itertools
import json
import random
import signal
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from broker_topics import records
from faults.ending import all_done, all_handled, finish
from faults.matrix import Failed, Site
from faults.traffic import START, send, sent
from faults.traffic import load as under_load
from faults.verdicts import equal, same
from sinks.receiver import Receiver, certificate, receiving
from worker.running import WorkerProcess, ends

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.incidents.book import IncidentBook
from streamproc.incidents.entries import decode_entry
from streamproc.incidents.notification_groups import NotificationGroups
from streamproc.schemas.notification_groups import NotificationGroup
from streamproc.sinks.targets import targets_of
from streamproc.worker.incidents.owner import time_of
from streamproc.worker.incidents.writing import TYPE_HEADER

ORDER = 10.7
FAULT = (
    "SIGKILL of the worker that groups incidents and sends them, at any moment; incidents with"
    " causes apart in two groups, by owner"
)
PASSES = (
    "alerts ≡G; each notification that the sink gets is one of an undisturbed pass over the ordered"
    " log, in its order, sent again only after a kill; the last one of each group arrives"
)
MODELS, MOVED, RECOVERED, EVENTS = 8, 250, 400, 700
RATE, BACKLOG = 300, 12_000
QUIET_SECONDS = 5.0  # longer than group_wait and group_interval together
BODY = (
    '{"group": {{ incident_id | tojson }}, "status": {{ status | tojson }},'
    ' "text": {{ message | tojson }}, "at": {{ ts | tojson }}}'
)
Notified = tuple[str, str]
"""Time and text of a notification."""


async def run(site: Site) -> str:
    """Kill workers while incidents begin and end, and hold the sink against one pass."""
    async with receiving(certificate(site.folder, "IP:127.0.0.1")) as pager:
        section = pager.section("pager", kind="template", body=BODY)
        raw = site.content(
            policy={"resolve_after": 100, "update_interval": "30s", "group_wait": "2s"},
            models=[{"id": f"model-*-[{ids}]", "owner": who} for ids, who in _OWNERS.items()],
            sinks=[section],
            routes=[{"sinks": ["pager"], "group_by": ["owner"], "group_interval": "1s"}],
        )
        config = load(raw)
        log = (sent(event) for event in _events(site.draw.randrange(2**32)))
        await send(config, islice(log, BACKLOG))
        kills = site.size(5, 25)
        async with under_load(config, log, RATE) as enough:
            for _ in range(kills):
                known = len(pager.got)
                async with WorkerProcess(site.folder, raw) as worker:
                    await worker.has_counted("incidents_owner")
                    await _more(pager, known)
                    await asyncio.sleep(site.draw.random())
                    worker.send(signal.SIGKILL)
                    await worker.exit_code()
            enough()
        async with WorkerProcess(site.folder, raw) as worker:
            await all_handled(config)
            await _quiet(worker, config)
            same("exit code", 0, await worker.stop())
        figures = await _equal_notifications(config, pager, kills)
    await finish(site, raw | {"sinks": [], "routes": []})
    alerts = len((await equal(config, states=False, least=20)).wanted.alerts)
    return f"{kills} kills; {alerts} alerts ≡G; {figures}"


_OWNERS = {"0-3": "risk", "4-7": "ads"}


def _events(seed: int) -> Iterator[dict[str, Any]]:
    """Give events of new models again and again; each has a feature that moves and comes back."""
    draw = random.Random(seed)
    for index in itertools.count():
        generation, step = divmod(index, EVENTS)
        for model in range(MODELS):
            moved = 4.0 if MOVED <= step < RECOVERED else 0.0
            yield {
                "model_id": f"model-{generation}-{model}",
                "event_id": f"{index}",
                "ts": START + index,
                "features": {f"amount-{generation}-{model}": draw.gauss(moved, 1)},
                "prediction": draw.random(),
            }


async def _more(pager: Receiver, known: int) -> None:
    """Wait until the pager has been sent something by this worker."""
    while len(pager.got) <= known:  # noqa: ASYNC110  nobody tells
        await asyncio.sleep(0.05)


async def _quiet(worker: WorkerProcess, config: Config) -> None:
    """Wait until nothing is due any more: no tick was logged for a while, and nothing waits."""
    before: object = None
    while (now := await ends(config, "incident_log")) != before:
        before = now
        await asyncio.sleep(QUIET_SECONDS)
        await all_done(worker)


async def _equal_notifications(config: Config, pager: Receiver, kills: int) -> str:
    """Hold what the pager got against one pass over the log; return figures."""
    wanted = await _one_pass(config)
    got: dict[str, list[Notified]] = {}
    repeated = 0
    for _, body in pager.got:
        step = json.loads(body)
        found = got.setdefault(step["group"], [])
        if found and found[-1][0] == _time(step["at"]):
            repeated += 1
        else:
            found.append((_time(step["at"]), step["text"]))
    same("groups", set(wanted), set(got))
    for group, found in got.items():
        due = iter(wanted[group])
        strange = [each for each in found if each not in due]  # also those in another order
        same("notifications that one pass does not have", [], strange)
        same("the last notification", wanted[group][-1], found[-1])
    if repeated > kills:
        raise Failed(f"{repeated} notifications came twice after {kills} kills")
    count, complete = sum(map(len, got.values())), sum(map(len, wanted.values()))
    return (
        f"{count} notifications of {len(got)} groups, each one of the {complete} of one pass,"
        f" {repeated} twice"
    )


async def _one_pass(config: Config) -> dict[str, list[Notified]]:
    """Return what the sink sends for each group if the log is applied record by record."""
    book = IncidentBook(
        config.policy.group_wait, groups=NotificationGroups(config.routes, config.all_sinks)
    )
    [reader] = [each.reader() for each in targets_of(config)]
    found: dict[str, list[Notified]] = {}
    for record in await records(config, "incident_log"):
        entry = decode_entry(dict(record.headers).get(TYPE_HEADER), record.value)
        book.apply(entry, time_of(record.timestamp))
        for value in book.take_changes().values():
            alert = reader.read(value.to_json()) if isinstance(value, NotificationGroup) else None
            if alert is not None:
                reader.handled(alert)
                at = _time(alert.ts.isoformat())
                found.setdefault(alert.incident_id, []).append((at, alert.message))
    return found


def _time(text: str) -> str:
    return datetime.fromisoformat(text).isoformat()
