"""A producer makes up names without end."""

from broker_topics import records
from faults.matrix import Failed, Site
from faults.traffic import Sent, events, send, sent
from faults.verdicts import equal, same
from worker.procfs import resident
from worker.running import WorkerProcess, read_alerts
from worker.scenarios import payloads

from streamproc.client.control import send_command
from streamproc.config.load import load
from streamproc.monitor import Monitor

ORDER = 15
FAULT = "a million distinct series names (100,000 in the short form)"
PASSES = (
    "the cap holds; known series ≡G; refusals and evictions are counted, and each is alerted once;"
    " RSS ≤ 500 MiB (800 in the nightly form)"
)
MODELS, FEATURES = 8, 50


async def run(site: Site) -> str:
    """Let known models work, flood them with made-up ones, and let them work on."""
    cap, flood = site.size(20_000, 100_000), site.size(2000, 20_000)
    secret = site.folder / "secret"
    secret.write_text("correct horse battery staple 1234")
    secret.chmod(0o600)
    content = site.content(
        control={"secret_file": str(secret)},
        topics={"partitions": 1},
        limits={"max_series": 2 * cap},  # half of it is for predictions
        snapshots={"interval": "1s"},
    )
    config = load(content)
    log = [sent(event) for event in events(site.draw.randrange(2**32), MODELS, 1600)]
    half = len(log) // 2
    async with WorkerProcess(site.folder, content) as worker:
        await worker.port()
        count = await send(config, [*log[:half], *map(_made_up, range(flood)), *log[half:]])
        await worker.has_counted("records_total", above=count - 1, within=site.size(60, 900))
        made_up = flood * (FEATURES + 1)
        await worker.has_counted("series_refused", above=made_up - cap - 1, within=600)
        # The gauges are set together, up to a second after the counters.
        await worker.is_counted("lag_records", 0)
        forgotten = await worker.counted("models_forgotten")
        watched = await worker.counted("series")
        refused = await worker.counted("series_refused")
        size = resident(worker.pid)
        if not site.nightly:  # a stop may be too short for so large a snapshot
            await send_command("save", config=config)
            await worker.has_counted("control_commands_total", above=0, within=300)
        same("exit code", 0, await worker.stop())
    found = await equal(config, least=20, states=not site.nightly)
    # A partition that evicts models frees a sixteenth of its series, in whole models.
    evicted = cap // 16 + FEATURES + 1 if forgotten else 0
    if not cap - evicted - FEATURES <= watched <= cap:
        raise Failed(f"{watched:.0f} series are watched; the cap is {cap}")
    alerts = await read_alerts(config)
    limits = [each.message for each in alerts if each.detector == "limits"]
    same("alerts of refused series", 1, sum("is not watched" in text for text in limits))
    same("alerts of evictions", forgotten > 0, sum("idle longest" in text for text in limits))
    known = [each for each in await records(config, "predictions") if each.key != b"flood"]
    monitor = Monitor(config)
    wanted = payloads(monitor.process_records(known[0].topic, 0, known))
    of_known = [each for each in alerts if each.model_id.startswith("model-")]
    same("alerts of known series", wanted, payloads(of_known))
    if size > site.size(500, 800) * 2**20:
        raise Failed(f"RSS is {size / 2**20:.0f} MiB")
    return (
        f"{flood * FEATURES} names, {watched:.0f} series watched, {refused:.0f} refused,"
        f" {forgotten:.0f} models evicted, each alerted once;"
        f" {len(of_known)} alerts of known series as without; RSS {size / 2**20:.0f} MiB;"
        f" {len(found.wanted.alerts)} alerts ≡G"
    )


def _made_up(number: int) -> Sent:
    names = range(number * FEATURES, (number + 1) * FEATURES)
    features = {f"made-up-{name}": number % 7 for name in names}
    event = {"model_id": f"flood-{number}", "features": features, "prediction": 0}
    return sent(event)._replace(key=b"flood")
