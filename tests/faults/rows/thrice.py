"""Every event is delivered three times."""

from broker_topics import records
from faults.ending import FINISH_SECONDS, finish
from faults.matrix import Site
from faults.traffic import Sent, events, send, sent
from faults.verdicts import equal, same
from faults.workers import MortalProcess
from worker.running import read_alerts
from worker.scenarios import payloads

from streamproc.config.load import load
from streamproc.monitor import Monitor

ORDER = 9
FAULT = "events delivered 3 times, up to 10,000 events apart, with a SIGKILL in between"
PASSES = "equal to the de-duplicated input"
MODELS, APART = 8, 10_000


async def run(site: Site) -> str:
    """Deliver copies at once or later, in any order among themselves."""
    content = site.content(topics={"partitions": 2})
    config = load(content)
    log = [
        sent(event) for event in events(site.draw.randrange(2**32), MODELS, site.size(2000, 9000))
    ]
    at: list[tuple[int, int, Sent]] = []
    for place, each in enumerate(log):
        apart = (
            0,
            site.draw.choice((0, site.draw.randrange(APART // 3))),
            site.draw.randrange(APART // 3),
        )
        at += [(place + later, number, each) for number, later in enumerate(apart)]
    at.sort(key=lambda entry: entry[:2])
    await send(config, [each for _, _, each in at])
    async with MortalProcess(
        site.folder, content, step="after_snapshot", times=2, hasty=""
    ) as worker:
        await worker.exit_code(FINISH_SECONDS)
    await finish(site, content)
    await equal(config, least=20)
    seen: set[bytes] = set()
    monitor, wanted = (
        Monitor(
            config.model_copy(
                update={"limits": config.limits.model_copy(update={"recent_events": 0})}
            )
        ),
        [],
    )
    for record in await records(config, "predictions"):
        if record.value not in seen:
            seen.add(record.value)
            wanted += monitor.process_records(record.topic, record.partition, [record])
    same("alerts", payloads(wanted), payloads(await read_alerts(config)))
    return f"{len(at)} records of {len(log)} events; {len(wanted)} alerts as of the events once"
