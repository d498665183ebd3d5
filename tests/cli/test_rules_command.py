"""``streamproc rules learn``."""

from pathlib import Path
from typing import Any

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
