"""Table 3: delays at equal run lengths, beside an oracle and baselines."""

from dataclasses import dataclass

import numpy as np

from streamproc.detectors import registry
from streamproc.detectors.evaluation.calibration.build_tables import SEED as TABLE_SEED
from streamproc.detectors.evaluation.scoreboard import entrants, heldout_seeds, oracle
from streamproc.detectors.evaluation.scoreboard.entrants import ERRORS, RIVERS, Bools, Entrant
from streamproc.detectors.evaluation.scoreboard.one_sided import RISES, rises
from streamproc.detectors.evaluation.scoreboard.peers import calibrated
from streamproc.detectors.evaluation.scoreboard.peers.catalogue import CATALOGUE
from streamproc.detectors.evaluation.scoreboard.peers.environments import NOBODY, Peers
from streamproc.detectors.evaluation.scoreboard.peers.peer_comparison import SERIES, PeerComparison
from streamproc.detectors.evaluation.scoreboard.result import Cell, Grid, Notify, Result
from streamproc.detectors.evaluation.scoreboard.scenarios import SCENARIOS, Scenario
from streamproc.detectors.registry import DEFAULT as NAMES
from streamproc.detectors.runtime.dtypes import Floats
from streamproc.detectors.runtime.run_length import ARL

TITLE = "Delay at equal run length"
DEFAULT = NAMES[0]
"""What the pipeline's default mostly is, which the verdict is about."""
BEFORE = 2000
"""Stationary values, the 200 of the unit included."""
AFTER = 4000
"""Values after the change; who has not alarmed by then is charged all of them."""
KNOWN = 1e5
"""Longest run length at which the oracle's bound is simulated; beyond, it grows by ln(arl)."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Mean delay in values, misses charged `AFTER`, and the share of misses."""

    mean: float
    missed: float


Rivals = dict[str, dict[str, tuple[Delay, dict[str, Delay]]]]
"""Change → detector of a peer → its delay, and by name ours on the same series."""
ONE_WAY = {f"River {name}" for name in ERRORS} | {t.label for t in CATALOGUE if not t.both}
"""Detectors of others that look for rises alone; beside them stands the default that does so."""
PEERS = (
    f"Frouros, Menelaus and MOA: at {calibrated.ARL:g} alone, on the first {SERIES} series of each "
    "change, calibrated on the seed of our tables by runs of 25 alarms. They read "
    "values in the unit that ours learn, but 0 and 1 as they are. Who is ahead of the default is "
    "judged on those same series; who looks for rises alone has all of its false alarms there, and "
    f"is judged beside `{RISES}` too, the default with mode up and as many false alarms."
)


def run(*, full: bool, notify: Notify, peers: Peers = NOBODY) -> Result:
    """Measure every detector at every change."""
    scenarios = [s for s in SCENARIOS if full or s.quick]
    grids: list[Grid] = []
    skipped: dict[str, str] = {}
    beside = PeerComparison(peers)
    for arl in (1e4, 1e6) if full else (1e4,):
        found: dict[str, dict[str, Delay]] = {}
        theirs: Rivals = {}
        for scenario in scenarios:
            notify(f"{scenario.name} at {arl:g}")
            values = _measure(scenario, arl, 1000 if full else 200, found, skipped)
            if full and arl == calibrated.ARL:
                notify(f"peers, {scenario.name} at {arl:g}")
                theirs[scenario.name] = _peers(beside, scenario, values)
        grids += _grids(arl, scenarios, found, theirs)
    notes = [
        (
            f"Seeds {heldout_seeds.POWER} and {heldout_seeds.ORACLE}; calibrated on the streams of "
            f"seed {TABLE_SEED}."
        ),
        (
            f"{BEFORE:,} stationary values, then the change; misses count {AFTER:,}; series with a "
            "false alarm before the change are left out, for each detector its own. Each has "
            "the threshold whose mean run length on the very series before the change is the "
            "stated "
            "one, not the more careful one of `arl=`; e_detector: that of its theorem."
        ),
        (
            "The oracle is a CUSUM that knows both distributions (of a gradual change: its end). "
            "Its "
            f"bound at more than {KNOWN:g} is that at {KNOWN:g} plus the logarithm of the ratio."
        ),
        "River's detectors that table 1 shows equal are these very lines: " + ", ".join(RIVERS),
        PEERS if full else "Peers other than River take part in full mode.",
    ]
    return Result(3, TITLE, grids, notes, skipped | beside.skipped | dict(peers.absent))


def taking_part(source: str, arl: float) -> tuple[list[Entrant], list[str]]:
    """Contestants at a run length on a source, and those that cannot reach it."""
    able, unable = [], []
    for name in registry.names():
        entry = registry.get(name)
        if entry.family in entrants.RAW and not source.startswith("Bernoulli"):
            continue
        if entry.knob is not None and entry.knob.theory is not None:
            able.append(entrants.ours(entry, **{ARL.name: arl}))
            continue
        one = entrants.at_equal_arl(entry, error_source(entry.family, source), arl)
        if one is None:
            unable.append(name)
        else:
            able.append(one)
    up = [rises(source)] if arl == calibrated.ARL else []
    return [*able, *up, *entrants.baselines(int(arl), heldout_seeds.POWER)], unable


def error_source(family: str, source: str) -> str:
    """Name a source as the tables of a family do: errors are raw, and so are codes."""
    return source.replace("Bernoulli", "errors") if family in entrants.RAW else source


def delay(alarms: Bools) -> Delay:
    """Mean delay of the first alarms from the change on, of series silent until then.

    A false alarm shortly before the change would restart the detector, which
    then takes the new level for the only one: that is a matter of run lengths,
    which are equal, not of delay.
    """
    silent = ~alarms[:, :BEFORE].any(axis=1)
    after = alarms[silent, BEFORE:]
    if not len(after):
        return Delay(float(AFTER), 1.0)
    seen = after.any(axis=1)
    first = np.where(seen, after.argmax(axis=1) + 1.0, float(AFTER))
    return Delay(float(first.mean()), float(1.0 - seen.mean()))


def _measure(
    scenario: Scenario,
    arl: float,
    series: int,
    found: dict[str, dict[str, Delay]],
    skipped: dict[str, str],
) -> Floats:
    number = SCENARIOS.index(scenario)
    rng = np.random.default_rng([heldout_seeds.POWER, number])
    values = scenario.values(rng, (series, BEFORE + AFTER), BEFORE)
    found.setdefault("oracle", {})[scenario.name] = _oracle(scenario, arl, values, number)
    able, unable = taking_part(scenario.source, arl)
    for one in able:
        found.setdefault(one.label, {})[scenario.name] = delay(one.alarms(values))
    for name in unable:
        skipped[f"{name} at {arl:g} on {scenario.source}"] = "its curve does not reach so far there"
    return values


def _peers(
    beside: PeerComparison, scenario: Scenario, values: Floats
) -> dict[str, tuple[Delay, dict[str, Delay]]]:
    """Delays of peers, each with those of the default on the same series."""
    able, _ = taking_part(scenario.source, calibrated.ARL)
    mine = {c.label: delay(c.alarms(values[:SERIES])) for c in able if c.label in {DEFAULT, RISES}}
    return {label: (delay(a), mine) for label, a in beside.alarms(scenario.source, values)}


def _oracle(scenario: Scenario, arl: float, values: Floats, number: int) -> Delay:
    rng = np.random.default_rng([heldout_seeds.ORACLE, number])
    known = min(arl, KNOWN)
    before = scenario.before(rng, (100, int(known)))
    bound = oracle.bound_for(scenario.ratio, before, known) + np.log(arl / known)
    rows = oracle.first_alarms(scenario.ratio, values, bound)
    alarms = np.zeros(values.shape, np.bool_)
    hit = rows >= 0
    alarms[np.flatnonzero(hit), rows[hit]] = True
    return delay(alarms)


def _grids(
    arl: float, scenarios: list[Scenario], found: dict[str, dict[str, Delay]], theirs: Rivals
) -> list[Grid]:
    names = [s.name for s in scenarios]
    ahead, like = (_ahead(names, found, theirs, mine) for mine in (DEFAULT, RISES))
    for name, rivals in theirs.items():
        for label, (measured, _) in rivals.items():
            found.setdefault(label, {})[name] = measured

    def cells(label: str, what: str) -> tuple[Cell, ...]:
        one = found[label]
        return tuple(float(getattr(one[n], what)) if n in one else None for n in names)

    heads = ("detector", *names)
    ratios: dict[str, tuple[Cell, ...]] = {}
    for label, one in found.items():
        share = (one[n].mean / found["oracle"][n].mean if n in one else None for n in names)
        ratios[label] = tuple(share)
    compared = {label: ratios[label] for label in ratios if label not in _baselines(arl)}
    return [
        Grid(f"Mean delay at {arl:g}", heads, {label: cells(label, "mean") for label in found}),
        Grid(f"Share missed at {arl:g}", heads, {label: cells(label, "missed") for label in found}),
        Grid(f"Delay over the oracle's at {arl:g}", heads, compared, "low"),
        _verdict(arl, names, found, ahead),
        _rows_ahead(arl, ahead, like),
    ]


def _baselines(arl: float) -> set[str]:
    return {"oracle", *(one.label for one in entrants.baselines(int(arl), heldout_seeds.POWER))}


def _ahead(
    names: list[str], found: dict[str, dict[str, Delay]], theirs: Rivals, ours: str
) -> dict[str, list[str]]:
    """Detectors of others → changes at which they are ahead of one of ours."""
    mine = found.get(ours, {})
    ahead: dict[str, list[str]] = {f"River {name}": [] for name in RIVERS}
    for name in (n for n in names if n in mine):
        for river in RIVERS:
            one = found.get(river, {}).get(name)
            if one and one.mean < mine[name].mean:
                ahead[f"River {river}"].append(name)
        for label, (one, same) in theirs.get(name, {}).items():
            ahead.setdefault(label, [])
            if ours in same and one.mean < same[ours].mean:
                ahead[label].append(name)
    return ahead


def _rows_ahead(arl: float, ahead: dict[str, list[str]], like: dict[str, list[str]]) -> Grid:
    rows: dict[str, tuple[Cell, ...]] = {
        label: (
            len(where),
            ", ".join(where) or "none",
            len(like.get(label, [])) if label in ONE_WAY else None,
        )
        for label, where in sorted(ahead.items(), key=lambda item: -len(item[1]))
    }
    goal = [len(where) for label, where in ahead.items() if label.startswith(("River", "MOA"))]
    title = f"Ahead of {DEFAULT} at {arl:g}: of River or MOA one at most on {max(goal)} changes"
    return Grid(title, ("detector", "changes", "which", f"changes beside {RISES}"), rows)


def _verdict(
    arl: float,
    names: list[str],
    found: dict[str, dict[str, Delay]],
    ahead: dict[str, list[str]],
) -> Grid:
    rows: dict[str, tuple[Cell, ...]] = {}
    for name in names:
        delays = {label: one[name].mean for label, one in found.items() if name in one}
        mine = delays.get(DEFAULT)
        best = min((label for label in delays if label in registry.names()), key=delays.__getitem__)
        base = delays["oracle"]
        leaders = ", ".join(label for label, where in ahead.items() if name in where) or "none"
        share = mine / base if mine else None
        rows[name] = (best, delays[best] / base, share, leaders if mine else None)
    heads = (
        "change",
        "best",
        "best / oracle",
        f"{DEFAULT} / oracle",
        f"of others ahead of {DEFAULT}",
    )
    return Grid(f"Verdict at {arl:g}", heads, rows)
