"""Whatever is written in a file or handed over, the answer is a Config or a ConfigError."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamproc.config.config import Config
from streamproc.config.json_schema import config_schema
from streamproc.config.load import load
from streamproc.config.topics import DASHED
from streamproc.errors import ConfigError

_SCHEMA = config_schema()
_KEYS = sorted(
    {key for model in (_SCHEMA, *_SCHEMA["$defs"].values()) for key in model.get("properties", {})}
    | {"adwin", "page_hinkley", "delta", "threshold", "mode", "online", "dleta"}
)
_WORDS = ["kafka://a:1", "SASL_SSL", "PLAIN", "10m", "4MiB", "*", "feature:*", "[", "A_B", "a\nb"]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([*_KEYS, *_WORDS, 10**30, 10**400, -(2**63)])
)
keys = st.sampled_from(_KEYS) | st.text(max_size=4) | st.integers() | st.none()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)
sections = st.dictionaries(st.sampled_from(sorted(_SCHEMA["properties"])), values, max_size=5)
# Pieces of YAML, right and wrong, in any order.
fragments = st.lists(
    st.sampled_from(
        [
            *(
                *_KEYS,
                *_WORDS,
                ": ",
                "- ",
                "\n",
                "\n  ",
                "\t",
                "{",
                "}",
                "[",
                "]",
                ",",
                "&a ",
                "*a",
            ),
            *("!!int ", "!!float ", "!!bool ", "!x ", "<<: ", "'", '"', "|\n", "? ", "#", "---\n"),
            *("%YAML 1.1\n", "1_0", "0x", "0o9", ".nan", "2026-13-45", "1:2", "~", "\x85", "é"),
        ]
    ),
    max_size=30,
).map("".join)


def expect_config_or_error(source: Any) -> None:
    """Hold what the module promises, and that an error says something."""
    try:
        config: Config | None = load(source)
    except ConfigError as error:
        config, text, problems = None, str(error), error.problems
    if config is None:
        assert problems
        assert text.splitlines() == list(problems)
        assert all(problem.strip() for problem in problems)


@given(sections | values)
def test_any_value_is_a_config_or_a_config_error(source: Any) -> None:
    """Handed over as it is; a text is the path of a file that is not there."""
    expect_config_or_error(source if not isinstance(source, str) else f"/nonexistent/{source}")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of a configuration that the test writes, again and again."""
    return tmp_path_factory.mktemp("config") / "c.yaml"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=fragments | st.text(max_size=40) | (sections | values).map(yaml.safe_dump))
def test_any_text_is_a_config_or_a_config_error(file: Path, text: str) -> None:
    """Fragments of YAML, texts, and values written by PyYAML."""
    file.write_text(text, encoding="utf-8", newline="", errors="surrogatepass")
    expect_config_or_error(file)


@given(content=st.binary(max_size=40))
def test_any_bytes_are_a_config_or_a_config_error(file: Path, content: bytes) -> None:
    """Files that are no text at all."""
    file.write_bytes(content)
    expect_config_or_error(file)


@given(section=st.sampled_from(["topics", "policy", "limits", "http"]), data=st.data())
def test_what_the_schema_gives_as_default_is_the_default(section: str, data: st.DataObject) -> None:
    """Writing any defaults out, as the schema shows them, changes nothing."""
    properties = _SCHEMA["$defs"][section.capitalize()]["properties"]
    chosen = data.draw(st.sets(st.sampled_from(sorted(properties.keys() - set(DASHED.values())))))
    assert load({section: {key: properties[key]["default"] for key in chosen}}) == Config()
