import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import streamproc.config
import streamproc.schemas
from streamproc.config.docs_table import config_table
from streamproc.config.json_schema import config_schema
from streamproc.config.load import load

ROOT = Path(__file__).parents[2]
COMMENTED = {("topics", "retention"), ("topics", "replication"), ("http", "token_env")}
MODULES = [
    f"{package.__name__}.{m.name}"
    for package in (streamproc.config, streamproc.schemas)
    for m in pkgutil.iter_modules(package.__path__)
]

EXAMPLES = sorted(
    (*(ROOT / "configs").glob("*.yaml"), *(ROOT / "configs" / "sinks").glob("*.yaml"))
)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda f: f.name)
def test_every_example_configuration_loads(file: Path) -> None:
    """What we show, works as it is."""
    assert load(file).bootstrap_servers


def test_the_full_example_has_every_key() -> None:
    """A new key is explained there, or this fails."""
    text = (ROOT / "configs" / "full.yaml").read_text()
    keys = {row.split("`")[1].split(".")[-1] for row in config_table().splitlines()[2:]}
    assert [key for key in keys if not re.search(rf"\b{key}\b", text)] == []


def test_the_full_example_says_which_values_are_not_the_default() -> None:
    """A value without a comment about its default is the default."""
    given = yaml.safe_load((ROOT / "configs" / "full.yaml").read_text())
    models: dict[str, Any] = config_schema()["$defs"]
    for section in ("topics", "policy", "limits", "snapshots", "http"):
        for key, value in given[section].items():
            default = models[section.capitalize()]["properties"][key]["default"]
            assert value == default or (section, key) in COMMENTED


def test_the_table_of_the_docs_is_made_by_the_code() -> None:
    """docs/config.md has the table that `config_table` gives."""
    text = (ROOT / "docs" / "config.md").read_text()
    written = text.split("<!-- config:begin -->\n")[1].split("<!-- config:end -->")[0]
    assert written == config_table()


def test_every_key_has_one_row_of_four_cells() -> None:
    """Nothing in a cell breaks the table."""
    rows = config_table().splitlines()
    assert {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {6}
    keys = [row.split("`")[1] for row in rows[2:]]
    assert len(keys) == len(set(keys))
    assert {"broker", "models[].watch[].detectors", "security.sasl.password_file"} <= set(keys)
