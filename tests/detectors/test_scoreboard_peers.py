import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from streamproc.detectors.evaluation.scoreboard import __main__ as command
from streamproc.detectors.evaluation.scoreboard import cost, power
from streamproc.detectors.evaluation.scoreboard.peers import (
    calibrated,
    environments,
    peer_comparison,
    peer_worker,
)
from streamproc.detectors.evaluation.scoreboard.peers.catalogue import (
    CATALOGUE,
    REQUIREMENTS,
    Knob,
    Theirs,
)
from streamproc.detectors.evaluation.scoreboard.peers.environments import Peers
from streamproc.detectors.evaluation.scoreboard.peers.process import Peer, PeerError
from streamproc.detectors.evaluation.scoreboard.scenarios import SCENARIOS

FAKE = """
import json, sys, time
import numpy as np

print(json.dumps({"ready": "fake"}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    name, params = request["detector"], request["params"]
    if name == "Crashes":
        print("out of luck", file=sys.stderr)
        sys.exit(3)
    if name == "Hangs":
        time.sleep(3600)
    if name == "Babbles":
        print("no JSON", flush=True)
        continue
    if name == "Raises":
        print(json.dumps({"error": "ValueError: no"}), flush=True)
        continue
    bound = params.get("bound", 3.0)
    alarms = [np.flatnonzero(row > bound).tolist() for row in np.load(request["series"])]
    if request["first"]:
        alarms = [found[:1] for found in alarms]
    values = int(np.load(request["series"]).size)
    print(json.dumps({"alarms": alarms, "values": values, "seconds": 1e-6 * values}), flush=True)
"""
VALUES = np.array([[0.0, 5.0, 0.0, 5.0], [0.0, 0.0, 0.0, 0.0]])


def quiet(_: str) -> None:
    """Tell nobody."""


def fake(tmp_path: Path, *, limit: float = 60.0, source: str = FAKE) -> Peer:
    """Make a peer whose detectors compare each value with a bound, or fail as their names say."""
    script = tmp_path / "fake.py"
    script.write_text(source)
    return Peer("fake", [sys.executable, str(script)], limit)


def known(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let the catalogue have these detectors of the fake alone, calibrated everywhere."""
    labels = {"fake": "Fake"}
    monkeypatch.setattr("streamproc.detectors.evaluation.scoreboard.peers.catalogue.LABELS", labels)
    theirs = [Theirs("fake", name, "cusum", "mean", Knob("bound", 1.0, 9.0)) for name in names]
    monkeypatch.setattr(peer_comparison, "CATALOGUE", tuple(theirs))
    knobs = {t.label: {s.source: {"knob": 3.9} for s in SCENARIOS} for t in theirs}
    monkeypatch.setattr(calibrated, "shipped", lambda: knobs)


def test_a_peer_answers_with_its_alarms(tmp_path: Path) -> None:
    """Each series' alarms come back, all of them or the first."""
    with fake(tmp_path) as peer:
        assert peer.ask("Bound", {}, VALUES).alarms == [[1, 3], []]
        assert peer.ask("Bound", {}, VALUES, first=True).alarms == [[1], []]
        assert peer.ask("Bound", {"bound": 9.0}, VALUES).alarms == [[], []]
        assert peer.ask("Bound", {}, VALUES).values == 8


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Crashes", "it ended with code 3: out of luck"),
        ("Hangs", "no answer within 2 s"),
        ("Babbles", "its answer is not JSON"),
        ("Raises", "ValueError: no"),
    ],
)
def test_a_peer_that_fails_says_why_and_goes_on(tmp_path: Path, name: str, why: str) -> None:
    """A crash, a hang, nonsense or an exception is named, and the next detector is measured."""
    with fake(tmp_path, limit=2.0 if name == "Hangs" else 60.0) as peer:
        with pytest.raises(PeerError, match=why):
            peer.ask(name, {}, VALUES)
        assert peer.ask("Bound", {}, VALUES).alarms == [[1, 3], []]


def test_a_peer_that_cannot_start_is_tried_once(tmp_path: Path) -> None:
    """A library that does not import, or no interpreter at all, is refused with the reason."""
    with fake(tmp_path, source="raise ImportError('no Java')") as peer:
        for _ in range(2):
            with pytest.raises(PeerError, match=r"cannot be started: .*ImportError: no Java"):
                peer.ask("Bound", {}, VALUES)
    with (
        Peer("gone", [str(tmp_path / "gone")]) as gone,
        pytest.raises(PeerError, match="cannot be started"),
    ):
        gone.ask("Bound", {}, VALUES)


def test_a_failure_costs_rows_not_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Detectors that fail are named with the reason, others have their line in the tables."""
    known(monkeypatch, "Bound", "Crashes", "Raises")
    monkeypatch.setattr(power, "SCENARIOS", SCENARIOS[2:3])
    monkeypatch.setattr(power, "BEFORE", 300)
    monkeypatch.setattr(power, "AFTER", 300)
    monkeypatch.setattr(power, "KNOWN", 1e3)
    peers = Peers([fake(tmp_path)], {"Frouros": "not installed"})
    result = power.run(full=True, notify=quiet, peers=peers)
    peers.close()
    delays = result.grids[0].rows
    assert isinstance(delays["Fake Bound"][0], float)
    assert "Fake Crashes" not in delays
    assert "out of luck" in result.skipped["Fake Crashes"]
    assert result.skipped["Fake Raises"] == "ValueError: no"
    assert result.skipped["Frouros"] == "not installed"
    [counted] = [g for g in result.grids if g.title.startswith("Ahead of") and "10000" in g.title]
    assert counted.rows["Fake Bound"][0] in (0, 1)


def test_a_rival_is_ahead_where_its_delay_is_shorter() -> None:
    """Changes are counted for each detector of others, and the report's title has the most."""
    mine = {power.DEFAULT: {"a": power.Delay(10.0, 0.0), "b": power.Delay(10.0, 0.0)}}
    river = {"adwin": {"a": power.Delay(9.0, 0.0), "b": power.Delay(9.0, 0.0)}}
    slower, faster = power.Delay(11.0, 0.0), power.Delay(10.5, 0.0)
    ours, up = power.DEFAULT, power.RISES
    theirs = {
        "a": {name: (faster, {ours: slower, up: faster}) for name in ("MOA SEED", "MOA CUSUM")},
        "b": {"MOA SEED": (slower, {ours: faster})},
    }
    ahead, like = (power._ahead(["a", "b"], mine | river, theirs, one) for one in (ours, up))
    assert ahead["River adwin"] == ["a", "b"]
    assert ahead["MOA SEED"] == ["a"]
    grid = power._rows_ahead(1e4, ahead, like)
    assert "of River or MOA one at most on 2 changes" in grid.title
    assert grid.rows["MOA SEED"] == (1, "a", None)
    assert grid.rows["MOA CUSUM"] == (1, "a", 0)


def test_a_peers_cost_stands_beside_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer's nanoseconds a value are those that its own process measured."""
    known(monkeypatch, "Bound", "Raises")
    ticks = iter(range(10**6))
    peers = Peers([fake(tmp_path)])
    clock = lambda: float(next(ticks))  # noqa: E731
    result = cost.run(full=False, notify=quiet, clock=clock, peers=peers)
    peers.close()
    theirs, ours = result.grids[1].rows["Fake Bound"]
    assert theirs == pytest.approx(1000.0)
    assert ours == result.grids[0].rows["cusum"][0]
    assert result.skipped["Fake Raises"] == "ValueError: no"


def test_what_is_not_installed_is_named(tmp_path: Path) -> None:
    """Each absent peer is named with the path looked at and the command that makes it."""
    peers = environments.installed(tmp_path)
    assert not peers.here
    assert set(peers.absent) == {"Frouros", "Menelaus", "CapyMOA"}
    for why in peers.absent.values():
        assert str(tmp_path) in why
        assert "--install-peers" in why


def test_the_directory_of_peers_can_be_given(tmp_path: Path) -> None:
    """Without an option it is in the user's cache."""
    assert environments.folder(None).parts[-3:] == (".cache", "detectors", "peers")
    assert environments.folder(tmp_path / "given") == tmp_path / "given"


def test_installing_goes_on_after_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A peer that pip refuses is named, the others are installed at their pinned versions."""
    commands: list[Sequence[str]] = []

    def run(words: Sequence[str]) -> None:
        commands.append(words)
        if words[-1].startswith("menelaus"):
            raise PeerError("no such version")

    for peer in REQUIREMENTS:
        python = environments.interpreter(tmp_path, peer)
        python.parent.mkdir(parents=True)
        python.write_text(f"#!/bin/sh\nexec {sys.executable} -c \"print('{{}}')\"\n")
        python.chmod(0o755)
    monkeypatch.setattr("streamproc.detectors.evaluation.scoreboard.peers.process.run", run)
    assert command.main(["--install-peers", "--peers", str(tmp_path)]) == 1
    assert [words[-1] for words in commands] == list(REQUIREMENTS.values())
    assert all("==" in words[-1] for words in commands)
    assert "menelaus is not installed: no such version" in capsys.readouterr().err


def test_a_knob_is_found_by_halving(tmp_path: Path) -> None:
    """The knob found has the wanted run length on the series given, or there is none."""
    values = 1.0 / np.random.default_rng(8).random((20, 12_500))  # one in 10,000 is above 10,000
    near, far = (Theirs("fake", "B", "", "mean", Knob("bound", 1.0, top)) for top in (1e6, 10.0))
    with fake(tmp_path) as peer:
        found = calibrated.knob_for(peer, near, values)
        assert found is not None
        assert found["arl"] == pytest.approx(1e4, rel=0.41)
        assert calibrated.knob_for(peer, far, values) is None


def test_every_shipped_knob_is_one_of_the_catalogue() -> None:
    """Each calibrated detector has a knob in its range, or the reason why not, on each source."""
    known = {theirs.label: theirs for theirs in CATALOGUE if theirs.knob and not theirs.slow}
    knobs = calibrated.shipped()
    assert set(knobs) <= set(known)
    assert "MOA ADWIN" in knobs
    for label, found in knobs.items():
        theirs = known[label]
        assert set(found) == set(calibrated.sources(theirs))
        for one in found.values():
            ends = sorted((theirs.knob.loose, theirs.knob.strict))
            assert isinstance(one, str) or ends[0] <= one["knob"] <= ends[1]


def test_the_side_answers_in_its_own_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What runs beside a library feeds it value by value and says where it alarmed."""

    def build(_: str, params: dict[str, float]) -> peer_worker.Step:
        return lambda value: value > params["bound"]

    monkeypatch.setitem(peer_worker.BUILDERS, "frouros", build)
    np.save(tmp_path / "x.npy", VALUES)
    request = {"detector": "X", "params": {"bound": 3.0}, "series": str(tmp_path / "x.npy")}
    told = peer_worker.answer("frouros", request | {"first": False, "most": 9})
    assert (told["alarms"], told["values"]) == ([[1, 3], []], 8)
    told = peer_worker.answer("frouros", request | {"first": True, "most": 9})
    assert told["alarms"] == [[1], []]
    told = peer_worker.answer("frouros", request | {"first": False, "most": 1})
    assert (told["alarms"], told["values"]) == ([[1]], 2)
    assert json.loads(json.dumps(told)) == told
