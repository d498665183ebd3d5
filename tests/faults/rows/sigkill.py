"""Workers are killed at the steps of publish → snapshot → acknowledge, and at any moment."""

from faults.matrix import Site
from faults.workers import lanes

ORDER = 1
FAULT = "SIGKILL of a worker under load, at each step of publish → snapshot → ack and at any moment"
PASSES = "≡G, state too; no alert that a snapshot covered is repeated"


async def run(site: Site) -> str:
    """Kill in several groups at once, since most of the time goes into waiting for sessions."""
    groups, kills = site.size(6, 8), site.size(2, 25)
    alerts, again = await lanes(site, groups, kills)
    return f"{groups * kills} kills, {alerts} alerts ≡G, {again} repeated, none covered"
