"""Another program moves what the group has committed."""

from faults.cluster_tools import delete_group, move_offsets
from faults.ending import finish
from faults.matrix import Failed, Site
from faults.traffic import events, send, sent
from faults.verdicts import covered_repeats, equal
from worker.running import ends

from streamproc.config.config import Config
from streamproc.config.load import load

ORDER = 9
FAULT = "committed offsets moved forward, moved back, deleted, while no worker runs"
PASSES = "≡G, state too: no alert is swallowed; none comes again"
MODELS = 8
CHANGES = ("none", "forward", "back", "delete")


async def run(site: Site) -> str:
    """Change what is committed in each way, with events waiting that nobody has watched."""
    content = site.content(snapshots={"interval": "1h"})
    config = load(content)
    count = MODELS * site.size(2400, 24_000)
    log = [sent(event) for event in events(site.draw.randrange(2**32), MODELS, count // MODELS)]
    size = count // len(CHANGES)
    for at, change in enumerate(CHANGES):
        # These wait when the offsets are moved past them, or before all that was handled.
        await send(config, log[at * size : (at + 1) * size])
        if change != "none":
            await _change(config, change)
        await finish(site, content)
    found = await equal(config, least=20)
    again, _ = await covered_repeats(config)
    if again:
        raise Failed(f"{again} alerts came again")
    return f"{', '.join(CHANGES[1:])}: {len(found.wanted.alerts)} alerts ≡G, each once"


async def _change(config: Config, how: str) -> None:
    if how == "delete":
        await delete_group(config)
        return
    there = await ends(config, "predictions")
    await move_offsets(
        config, "predictions", there if how == "forward" else dict.fromkeys(there, 0)
    )
