"""Models live for a day, and new ones come every day."""

from collections.abc import Iterator

from faults.matrix import Failed, Site
from faults.traffic import START, Sent, send, sent
from faults.verdicts import equal, same
from worker.procfs import resident
from worker.running import WorkerProcess, read_alerts

from streamproc.config.load import load

ORDER = 15.4
FAULT = "models that live for a day, with new names every day, for a month"
PASSES = (
    "the cap holds; each day's new models are watched and alert; RSS grows by less than 10 MiB"
    " after the first third; ≡G, state too"
)
MODELS, EACH, SERIES, DAYS = 10, 400, 3, 30
CAP, GROWTH = 100, 10 * 2**20
DAY = 86_400


async def run(site: Site) -> str:
    """Send day after day, and look at the worker in between."""
    each = site.size(EACH, 10 * EACH)
    content = site.content(
        topics={"partitions": 1},
        limits={"slice_records": 1000, "max_series": 2 * CAP},  # half of it is for predictions
    )
    config = load(content)
    sizes: list[int] = []
    async with WorkerProcess(site.folder, content) as worker:
        await worker.port()
        count = 0
        for day in range(DAYS):
            count += await send(config, _day(site, day, each))
            await worker.has_counted("records_total", above=count - 1)
            watched = await worker.counted("series")
            if watched > CAP:
                raise Failed(f"{watched:.0f} series are watched on day {day}; the cap is {CAP}")
            sizes.append(resident(worker.pid))
        forgotten = await worker.counted("models_forgotten")
        same("series refused", 0, await worker.counted("series_refused"))
        same("exit code", 0, await worker.stop())
    found = await equal(config, least=DAYS * MODELS)
    alerts = {alert.model_id for alert in await read_alerts(config)}
    blind = {_name(day, model) for day in range(DAYS) for model in range(MODELS)} - alerts
    if blind:
        raise Failed(f"{len(blind)} models have no alert, such as {min(blind)}")
    grown = max(sizes[DAYS // 3 :]) - sizes[DAYS // 3]
    if grown > GROWTH:
        raise Failed(f"RSS grew by {grown / 2**20:.1f} MiB after the first third")
    return (
        f"{DAYS * MODELS} models in {DAYS} days, {forgotten:.0f} forgotten, each alerted; cap"
        f" {CAP} series; RSS {grown / 2**20:+.1f} MiB after the first third;"
        f" {len(found.wanted.alerts)} alerts ≡G"
    )


def _name(day: int, model: int) -> str:
    return f"day-{day}-model-{model}"


def _day(site: Site, day: int, each: int) -> Iterator[Sent]:
    """Give a day's models a feature that moves by 6 σ at three quarters of it."""
    for index in range(each):
        moved = 6.0 * (index >= each * 3 // 4)
        for model in range(MODELS):
            yield sent(
                {
                    "model_id": _name(day, model),
                    "ts": START + day * DAY + index * DAY // each,
                    "features": {"amount": site.draw.gauss(moved, 1), "age": site.draw.random()},
                    "prediction": site.draw.random(),
                }
            )
