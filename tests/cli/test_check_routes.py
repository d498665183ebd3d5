"""Print who hears of what."""

from pathlib import Path
from typing import Any

HOOKS = """
webhooks:
  - {name: pager, url: 'https://a.example.org/', allow: [a.example.org], severity: critical}
  - {name: chat, url: 'https://a.example.org/', allow: [a.example.org]}
  - {name: ops, url: 'https://a.example.org/', allow: [a.example.org]}
"""


def lines(run: Any, folder: Path, text: str) -> list[str]:
    """Return what `check` prints about who hears."""
    file = folder / "a.yaml"
    file.write_text(text)
    result = run("check", file)
    assert result.exit_code == 0
    return [line for line in result.stdout.splitlines() if line.startswith("hears of")]


def test_check_prints_who_hears_of_each_model(run: Any, tmp_path: Path) -> None:
    """Per model and kind of alert: the sinks that get it, and under which conditions."""
    text = (
        HOOKS
        + """
models:
  - {id: fraud, owner: risk, severity: critical}
  - {id: 'ads*'}
routes:
  - {match: [kind = system], sinks: [ops]}
  - {match: [owner = risk], sinks: [pager, chat]}
  - {match: [feature =~ "fx_.*"], sinks: [pager]}
"""
    )
    kinds = "data, prediction, concept, performance, quality, silence, blind"
    others = "chat (if no other route matches), ops (if no other route matches); system: ops"
    assert lines(run, tmp_path, text) == [
        f"hears of model fraud: {kinds}: pager, chat; system: ops",
        f"hears of model ads*: {kinds}: {others}",
        f"hears of every other model: {kinds}: {others}",
    ]


def test_check_shows_a_model_that_nobody_hears_of(run: Any, tmp_path: Path) -> None:
    """A pager for critical alerts hears of no model whose alerts are warnings."""
    pager = "\n".join(HOOKS.splitlines()[:3])
    [line] = lines(run, tmp_path, pager)
    assert line.startswith("hears of every model: data, prediction")
    assert line.endswith("blind: nobody; system: pager")


def test_check_shows_who_hears_of_violated_rules(run: Any, tmp_path: Path) -> None:
    """Rules have severities apart from the model's, and may reach other sinks."""
    text = (
        HOOKS
        + """
models:
  - {id: a, rules: [{name: r, freshness: 1h}]}
  - id: b
    rules: [{name: r, freshness: 1h}, {name: s, freshness: 1d, severity: critical}]
routes:
  - {match: [kind = rule], sinks: [pager, ops]}
  - {sinks: [chat]}
"""
    )
    first, second, every_other = lines(run, tmp_path, text)
    assert "quality, silence, blind, system: chat; rule: ops" in first
    assert "; rule (warning): ops; rule (critical): pager, ops" in second
    assert "rule" not in every_other


def test_check_prints_nothing_about_sinks_without_any(run: Any, tmp_path: Path) -> None:
    """Who reads the topic is not asked for routes."""
    assert lines(run, tmp_path, "group: a\n") == []


def test_check_refuses_a_route_at_its_line(run: Any, tmp_path: Path) -> None:
    """The error of a route that nothing can reach names its line."""
    file = tmp_path / "a.yaml"
    file.write_text(
        HOOKS + "routes:\n  - sinks: [chat]\n  - match: [kind = data]\n    sinks: [ops]\n"
    )
    result = run("check", file)
    assert result.exit_code == 2
    assert f"{file}:8: routes[1]: is never reached: routes[0] matches" in result.stderr


def test_check_shows_how_incidents_are_grouped(run: Any, tmp_path: Path) -> None:
    """Sinks that follow incidents have the labels and the interval; others get each alert."""
    text = (
        HOOKS
        + """
sinks:
  - {name: phone, kind: pagerduty, routing_key_env: KEY}
routes:
  - {match: [owner = risk], sinks: [phone], group_by: []}
  - {sinks: [phone, chat], group_by: [owner, kind], group_interval: 10m, group_wait: 30s,
     repeat_interval: 4h}
models:
  - {id: fraud, owner: risk}
"""
    )
    first, second = lines(run, tmp_path, text)
    assert first.endswith("system: phone grouped by route every 5m")
    assert second.endswith(
        "system: chat, phone grouped by owner and kind after 30s every 10m and again after 4h"
    )


def test_check_shows_that_only_routes_retrain(run: Any, tmp_path: Path) -> None:
    """What no route matches goes to every sink but the one that retrains."""
    text = (
        HOOKS
        + """
sinks:
  - {name: training, kind: retrain, url: 'https://a.example.org/', allow: [a.example.org]}
routes:
  - {match: [kind = concept], sinks: [training]}
"""
    )
    [line] = lines(run, tmp_path, text)
    assert "; concept: training; system: pager, chat, ops" in line
    assert "data, prediction, performance, quality, silence, blind: chat, ops; " in line
