"""Nothing comes but what cannot be read."""

from faults.matrix import Failed, Site
from faults.traffic import Sent, events, send, sent
from faults.verdicts import equal, same
from worker.procfs import resident
from worker.running import WorkerProcess

from streamproc.config.load import load

ORDER = 15.4
FAULT = "dead letters without end, each under a new key (300,000; 40,000 in the short form)"
PASSES = "each comes once; RSS ≤ 400 MiB, and grows by less than 10 MiB in the second half; ≡G"
MODELS, PARTS, CAP, GROWTH = 8, 8, 400 * 2**20, 10 * 2**20


async def run(site: Site) -> str:
    """Send what is bad in parts, and look at the memory after each."""
    content = site.content(topics={"partitions": 2}, limits={"slice_records": 5000})
    config = load(content)
    part = site.size(5000, 37_500)
    known = [sent(event) for event in events(site.draw.randrange(2**32), MODELS, 1200)]
    sizes = []
    async with WorkerProcess(site.folder, content) as worker:
        await worker.port()
        handled = await send(config, known)
        for number in range(PARTS):
            handled += await send(config, map(_bad, range(number * part, (number + 1) * part)))
            await worker.has_counted("records_total", above=handled - 1, within=600)
            sizes.append(resident(worker.pid))
        same("exit code", 0, await worker.stop())
    found = await equal(config, least=20)
    same("dead letters", PARTS * part, len(found.found.letters))
    same("dead letters and alerts that are there twice", 0, found.found.repeated)
    grown = min(sizes[PARTS // 2 :]) - min(sizes[: PARTS // 2])
    if max(sizes) > CAP or grown >= GROWTH:
        raise Failed(f"RSS {max(sizes) / 2**20:.0f} MiB, {grown / 2**20:+.1f} in the second half")
    return (
        f"{PARTS * part} dead letters, each once; RSS at most {max(sizes) / 2**20:.0f} MiB,"
        f" {grown / 2**20:+.1f} MiB in the second half; {len(found.wanted.alerts)} alerts ≡G"
    )


def _bad(number: int) -> Sent:
    return Sent(b'{"model_id": "model-%d", "prediction": []}' % (number % 100), b"key-%d" % number)
