"""The section `rules` of a model, and what is refused in it."""

from pathlib import Path
from typing import Any

import pytest

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.config.rule import Rule
from streamproc.errors import ConfigError

ON = {"name": "r", "on": "feature:x"}


def problem(*rules: dict[str, Any]) -> str:
    """Return the message about a configuration with some rules."""
    with pytest.raises(ConfigError) as error:
        load({"models": [{"id": "m", "rules": list(rules)}]})
    return str(error.value)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (ON, "rules[0]: expected exactly one of range, set, regex, missing"),
        (ON | {"missing": 0, "regex": "a"}, "got regex and missing"),
        (ON | {"range": {}}, "rules[0].range: expected `min`, `max` or both"),
        (ON | {"range": {"min": 2, "max": 1}}, "rules[0].range.max: is below `min`"),
        (ON | {"regex": "["}, "rules[0].regex: is not a regular expression: unterminated"),
        (ON | {"set": ["a", 1]}, "rules[0].set: has texts and numbers"),
        (ON | {"missing": 0.1, "most": 0.2}, "rules[0].most: `missing` is the largest share"),
        (ON | {"missing": 1.0}, "rules[0].missing"),
        (ON | {"monotone": "up"}, "rules[0].monotone: expected 'increasing'"),
        (ON | {"unique": {"within": 0}}, "rules[0].unique.within"),
        (ON | {"unique": {"within": 1_000_001}}, "rules[0].unique.within"),
        ({"name": "r", "unique": {}}, "rules[0].on: a rule with `unique` needs `on`"),
        (ON | {"freshness": "1m"}, "rules[0].on: a rule with `freshness` has no `on`"),
        ({"name": "r", "missing": 0}, "rules[0].on: a rule with `missing` needs `on`"),
        ({"name": "r", "on": "x", "missing": 0}, "rules have no globs: write `feature:x`"),
        ({"name": "r", "on": "quality:x", "missing": 0}, "rules[0].on: expected feature:<name>"),
        ({"name": "a b", "freshness": "1m"}, "rules[0].name: expected letters, digits, dots"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(rule: dict[str, Any], expected: str) -> None:
    """A rule without one condition, or with a wrong one, is an error that names its key."""
    assert expected in problem(rule)


def test_two_rules_of_one_name_are_refused() -> None:
    """The name of a rule is that of its series, so it is used once in a model."""
    rule = ON | {"missing": 0}

    assert "rules[1].name: is the name of entry 0 already" in problem(rule, rule)


def test_a_wrong_expression_names_file_line_and_character(tmp_path: Path) -> None:
    """A message about an expression says where in the file, and where in the expression."""
    file = tmp_path / "config.yaml"
    file.write_text(
        "models:\n  - id: m\n    rules:\n      - name: adult\n        expression: age >= 18 an x\n"
    )
    with pytest.raises(ConfigError) as error:
        load(file)

    assert f"{file}:5: models[0].rules[0].expression: at character 11: " in str(error.value)


def test_a_digest_depends_on_the_condition_and_not_on_the_severity() -> None:
    """Counts go on when the severity of a rule is changed, and start again with another limit."""
    rule = Rule.model_validate(ON | {"missing": 0.1})

    assert rule.digest == rule.model_copy(update={"severity": "critical"}).digest
    assert rule.digest != Rule.model_validate(ON | {"missing": 0.2}).digest
    assert rule.digest == "4a63322cf962c943", "counts of a rule start again after an upgrade"


def test_a_configuration_with_rules_can_be_written_and_read() -> None:
    """Worker processes get the configuration as JSON: each kind of rule is the same there."""
    rules = [
        ON | {"missing": 0.1},
        ON | {"name": "a", "set": [True, 1, 2.5]},
        ON | {"name": "b", "set": ["1", "true"]},
        ON | {"name": "c", "range": {"max": 3}, "most": 0.2},
        ON | {"name": "f", "unique": {"within": 7}},
        {"name": "d", "freshness": "15m"},
        {"name": "e", "expression": "x > 1", "severity": "info"},
    ]
    config = load({"models": [{"id": "m", "rules": rules}]})
    again = Config.model_validate_json(config.model_dump_json())

    assert again == config
    assert [rule.digest for rule in again.models[0].rules] == [
        rule.digest for rule in config.models[0].rules
    ]
