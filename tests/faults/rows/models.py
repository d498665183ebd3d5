"""Very many models."""

from faults.matrix import Failed, Site
from faults.traffic import Sent, events, send, sent
from faults.verdicts import equal, same
from worker.procfs import resident
from worker.running import WorkerProcess

from streamproc.config.load import load

ORDER = 15.2
FAULT = "ten thousand models of twenty features (a thousand in the short form)"
PASSES = "all are watched; ≡G; RSS ≤ 1 GiB (500 MiB in the short form)"
KNOWN, FEATURES, EACH = 8, 20, 30


async def run(site: Site) -> str:
    """Let many models have some events each, among a few that change."""
    many, cap = site.size(1000, 10_000), site.size(500, 1024) * 2**20
    content = site.content(limits={"slice_records": 5000}, snapshots={"interval": "5s"})
    config = load(content)
    known = [sent(event) for event in events(site.draw.randrange(2**32), KNOWN, 1200)]
    async with WorkerProcess(site.folder, content) as worker:
        await worker.port()
        count = await send(config, [_event(number, many) for number in range(many * EACH)])
        count += await send(config, known)
        most = 0
        while await worker.counted("records_total") < count:
            most = max(most, resident(worker.pid))
        await worker.has_counted("models", above=many + KNOWN - 1)  # told after its records
        watched = await worker.counted("series")
        same("models", many + KNOWN, await worker.counted("models"))
        same("series refused", 0, await worker.counted("series_refused"))
        same("exit code", 0, await worker.stop())
    # A worker that stops has ten seconds for its last snapshot: too few for all of this.
    found = await equal(config, least=20, states=not site.nightly)
    if most > cap:
        raise Failed(f"RSS reached {most / 2**20:.0f} MiB")
    return (
        f"{many} models, {watched:.0f} series, {count} events; RSS at most {most / 2**20:.0f} MiB;"
        f" {len(found.wanted.alerts)} alerts ≡G"
    )


def _event(number: int, models: int) -> Sent:
    features = {f"f{i}": (number * 7919 + i * 104_729) % 1009 / 1009 for i in range(FEATURES)}
    event = {"model_id": f"many-{number % models}", "features": features, "prediction": 0.5}
    return sent(event)
