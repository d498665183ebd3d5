"""A supervisor is told to read its config again, which is wrong, and then right."""

import signal

from faults.ending import finish
from faults.matrix import Failed, Site
from faults.traffic import events, sent
from faults.traffic import load as under_load
from faults.verdicts import equal, same
from worker.procfs import alive, children
from worker.running import WorkerProcess

from streamproc.config.load import load

ORDER = 13
FAULT = "config reload (SIGHUP to the supervisor) with an error, then without"
PASSES = (
    "the old one stays in force, the error names the field, no worker ends; the right one replaces"
    " workers one by one; no state is reset: ≡G, state too"
)
MODELS, WORKERS = 8, 2


async def run(site: Site) -> str:
    """Reload under load, first with one error, then with another, then with none."""
    content = site.content()
    config = load(content)
    log = (sent(event) for event in events(site.draw.randrange(2**32), MODELS, 1_000_000))
    wrong = {
        "limits.max_series": content | {"limits": {"max_series": "many"}},
        "models[0].watch[0].detectors[0]": content
        | {"models": [{"id": "*", "watch": [{"on": "*", "detectors": ["no_such_detector"]}]}]},
    }
    elsewhere = content["broker"].replace("127.0.0.1", "localhost")
    async with (
        under_load(config, log, rate=400) as enough,
        WorkerProcess(site.folder, content, "--processes", str(WORKERS)) as supervisor,
    ):
        await supervisor.logged("watching kafka", times=WORKERS)
        before = children(supervisor.pid)
        for times, (field, file) in enumerate(wrong.items(), 1):
            await supervisor.has_counted("records_total", above=500 * times)
            supervisor.configure(file)
            supervisor.send(signal.SIGHUP)
            await supervisor.logged("keeping the current configuration", times=times)
            if field not in supervisor.stderr:
                raise Failed(f"the error does not name {field}: {supervisor.stderr[-500:]}")
            same("workers", before, children(supervisor.pid))
        supervisor.configure(content | {"broker": elsewhere})
        supervisor.send(signal.SIGHUP)
        await supervisor.logged(f"watching {elsewhere}", times=WORKERS, within=180)
        same("workers that are still there", [], [pid for pid in before if alive(pid)])
        enough()
        same("exit code", 0, await supervisor.stop())
    same("workers that died", 0, supervisor.stderr.count("exited with"))
    same("series that began anew", 0, supervisor.stderr.count("state_gap"))
    await finish(site, content)
    found = await equal(config, least=10)
    return (
        f"{', '.join(f'`{field}`' for field in wrong)} refused, nothing touched; {WORKERS} workers"
        f" replaced by the right one; {len(found.wanted.alerts)} alerts ≡G,"
        f" {found.found.repeated} again"
    )
