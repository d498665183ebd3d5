"""``streamproc rules``."""

import json
from pathlib import Path
from typing import Any

import pytest

from streamproc.config.load import load


def test_learned_rules_are_a_valid_configuration(run: Any, tmp_path: Path) -> None:
    """What is printed of a file is a configuration that `check` accepts, without other columns."""
    file = tmp_path / "rows.csv"
    rows = [f"{at},{at * 1.5},{'DE' if at % 2 else 'NO'},{at / 99}" for at in range(99)]
    file.write_text("\n".join(["id,amount,country,score", *rows]))
    result = run("rules", "learn", str(file), "--model", "fraud*", "--prediction", "score",
                 "--id", "id")  # fmt: skip
    written = tmp_path / "config.yaml"
    written.write_text(result.stdout)
    [model] = load(written).models

    assert result.exit_code == 0
    assert model.id == "fraud*"
    assert {rule.on for rule in model.rules} == {"feature:amount", "feature:country", "prediction"}
    assert model.rules[2].set == ("DE", "NO")
    assert run("check", str(written)).stdout.endswith("ok\n")


def test_a_file_without_rows_is_refused(run: Any, tmp_path: Path) -> None:
    """Nothing can be learned from a header."""
    file = tmp_path / "rows.csv"
    file.write_text("a,b\n")
    result = run("rules", "learn", str(file))

    assert result.exit_code == 1
    assert "there is nothing to learn from" in result.stderr


def test_rules_of_a_schema_are_a_valid_configuration(run: Any, tmp_path: Path) -> None:
    """What is printed of a JSON Schema passes `check`; comments name what has no rule."""
    file = tmp_path / "rows.schema.json"
    amount = {"type": "number", "minimum": 0, "multipleOf": 0.01}
    properties = {"amount": amount, "score": {"maximum": 1}, "id": {"type": "string"}}
    file.write_text(json.dumps({"properties": properties, "required": ["amount", "id"]}))
    result = run("rules", "from-schema", file, "--model", "fraud", "--prediction", "score",
                 "--omit", "id")  # fmt: skip
    written = tmp_path / "config.yaml"
    written.write_text(result.stdout)
    [model] = load(written).models

    assert model.id == "fraud"
    assert [(rule.on, rule.condition) for rule in model.rules] == [
        ("feature:amount", "range"),
        ("feature:amount", "missing"),
        ("prediction", "range"),
    ]
    assert "\n# no rule: #/properties/amount/multipleOf: a rule has steps of" in result.stdout
    assert "1 keyword of the schema without a rule" in result.stderr
    assert run("check", written).stdout.endswith("ok\n")


@pytest.mark.parametrize(
    ("text", "arguments", "expected"),
    [
        ("{\n1", (), ":2: is not JSON"),
        ("[]", (), "# has no properties: name their schema by --at"),
        ('{"properties": {"a": {}}}', ("--omit", "b"), "unknown property 'b'; it has 'a'"),
        ('{"properties": {"a": {}}}', ("--at", "#/b"), "#/b has no properties"),
    ],
)
def test_a_file_that_is_not_such_a_schema_is_refused(
    run: Any, tmp_path: Path, text: str, arguments: tuple[str, ...], expected: str
) -> None:
    """The error names the file, and what to do."""
    file = tmp_path / "a.json"
    file.write_text(text)
    result = run("rules", "from-schema", file, *arguments)

    assert result.exit_code == 1
    assert expected in result.stderr
    assert str(file) in result.stderr
