import os
from collections import UserDict
from pathlib import Path
from types import MappingProxyType

import pytest

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.detectors import registry
from streamproc.errors import ConfigError, StreamprocError

TYPOS = """\
models:
  - id: fraud
    wach: []
    severity: Warnin
    runbook: http://x
    watch:
      - on: feature:*
        detectors: [adwin, {page_hinkly: {threshold: 20}}]
      - on: prediction
        detectors:
          - page_hinkley:
              treshold: 3
          - adwin:
              delta: 7
limits: {max_series: 1.5,
  slice_seconds: .nan}
policy: 5
http: {port: '80'}
"""
PROBLEMS = f"""\
3: models[0].wach: unknown key; did you mean `watch`? Expected one of: id, task, positive, \
numbers, baseline, floor, owner, \
runbook, severity, watch, rules, segments, silence, volume, reference, online
4: models[0].severity: expected 'info', 'warning' or 'critical', found "Warnin"; \
did you mean `warning`?
5: models[0].runbook: expected a URL that starts with https://
8: models[0].watch[0].detectors[1]: there is no such detector; did you mean `page_hinkley`? \
Expected one of: {", ".join(sorted(registry.names()))}
12: models[0].watch[1].detectors[0].page_hinkley.treshold: unknown parameter; \
did you mean `threshold`? Expected one of: alpha, arl, delta, min_instances, mode, threshold
14: models[0].watch[1].detectors[1].adwin.delta: expected float in (0, 1), got 7
15: limits.max_series: expected a whole number, found 1.5
16: limits.slice_seconds: expected a finite number, found NaN or infinity
17: policy: expected a mapping, found 5
18: http.port: expected a whole number, found "80"
"""
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Path of a configuration that the test writes."""
    return tmp_path / "models.yaml"


def test_every_problem_is_told_at_once_in_the_order_of_the_file(file: Path) -> None:
    """Each line has file, line, field, what was expected and what was found."""
    file.write_text(TYPOS)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert list(caught.value.problems) == [f"{file}:{line}" for line in PROBLEMS.splitlines()]
    assert str(caught.value).splitlines() == list(caught.value.problems)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing but a comment\n", "---\n", "\ufeff"])
def test_an_empty_file_means_the_defaults(file: Path, text: str) -> None:
    """A file whose every line is commented out is no error."""
    file.write_text(text)
    assert load(file) == load(str(file)) == load(None) == load({}) == Config()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[1]", "1: expected a mapping of keys to values at the top"),
        ("\n~", "2: expected a mapping of keys to values at the top"),
        ("broker", "1: expected a mapping of keys to values at the top"),
        ("group: [", "1: is not YAML: "),
        ("models:\n\t- id: a", "2: is not YAML: found character tab (indent with spaces)"),
        ("group: a\n group: b", "2: is not YAML: "),
        ("--- {}\n--- {}", "2: is not YAML: "),
        ("group: *nowhere", "1: is not YAML: found undefined alias"),
        ("\ngroup: \x07", "2: has a character that YAML forbids"),
        ("group: a\ntopics: {}\ngroup: b", "3: group: is given twice, first on line 1"),
        ("topics:\n  prefix: a\n  prefix: a", "3: topics.prefix: is given twice, first on line 2"),
        ("\n1: 2", "2: has a key that is not a text"),
        ("http:\n  true: 2", "2: http: has a key that is not a text"),
        ("? [a]\n: 1", "1: has a key that is not a text"),
        ("<<: {group: a}", "1: merge keys (<<) are not supported"),
        ("group: !!python/name:os.system", "1: group: has a tag (!…) that is not supported"),
        ("group: !!int x", "1: group: is not of its tag's type, int"),
        ("a: &a {b: *a}", "1: is nested deeper than 32 levels"),
        ("[" * 5000, "1: is nested deeper than 32 levels"),
        (BOMB, "has more than 100000 values"),
        ("group: " + "a" * 1_048_576, "1: is longer than 1048576 characters"),
        ("http: {port: " + "9" * 5000 + "}", "1: http.port: is a number of more than 200"),
        ("http: {port: 0x" + "f" * 100 + "}", "http.port: expected less than or equal to 65535, "),
        ("http: {port: 1e999}", "1: http.port: expected a"),
        ("grop: a", "1: grop: unknown key; did you mean `group`?"),
        ('"a\\nb": a', "1: 'a\\nb': unknown key"),
    ],
)
def test_what_cannot_be_read_names_file_and_line(file: Path, text: str, problem: str) -> None:
    """Bad syntax, bombs, double keys and tags are all a ConfigError, one line each."""
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert all(line.startswith(f"{file}:") for line in str(caught.value).splitlines())
    assert problem in str(caught.value)


def test_scalars_are_those_of_yaml_1_2(file: Path) -> None:
    """`on` is a key, `no` and a time of day are texts, 1e5 is a number, 0o17 too."""
    file.write_text(
        "group: no\n"
        "topics: {prefix: on, alerts: 2026-01-05}\n"
        "limits: {max_series: 0o17, max_features: 0x10, slice_seconds: 5e-1}\n"
        "models: [{id: 12:30, owner: 'null', watch: [{on: '*', detectors: [adwin]}]}]\n"
    )
    config = load(file)
    assert (config.group, config.topics.prefix, config.topics.alerts) == ("no", "on", "2026-01-05")
    assert (config.limits.max_series, config.limits.max_features) == (15, 16)
    assert config.limits.slice_seconds == 0.5
    assert (config.models[0].id, config.models[0].owner) == ("12:30", "null")


def test_an_alias_repeats_a_value(file: Path) -> None:
    """One list of detectors can serve several entries, and its errors name each use."""
    file.write_text(
        "models:\n"
        "  - {id: a, watch: &all [{on: '*', detectors: [adwin]}]}\n"
        "  - {id: b, watch: *all}\n"
    )
    config = load(file)
    assert config.models[0].watch == config.models[1].watch
    file.write_text(file.read_text().replace("adwin", "adwn"))
    with pytest.raises(ConfigError) as caught:
        load(file)
    first, second = caught.value.problems
    assert f"{file}:2: models[0].watch[0].detectors[0]: " in first
    assert f"{file}:2: models[1].watch[0].detectors[0]: " in second


@pytest.mark.parametrize("name", ["missing.yaml", "a\0b", "\ud800", "x" * 5000])
def test_a_file_that_is_not_there_is_a_config_error(tmp_path: Path, name: str) -> None:
    """So is a path that no file can have."""
    with pytest.raises(ConfigError, match=r"cannot be read|is not the path of a file"):
        load(os.fspath(tmp_path) + "/" + name)


def test_a_directory_is_a_config_error(tmp_path: Path) -> None:
    """The message says that a file is expected."""
    with pytest.raises(ConfigError, match="is a directory; expected a YAML file"):
        load(tmp_path)


def test_a_file_that_is_not_utf_8_names_the_line(file: Path) -> None:
    """The line is that of the first byte that cannot be read."""
    file.write_bytes(b"group: a\n# \xff\n")
    with pytest.raises(ConfigError, match=":2: is not UTF-8 text"):
        load(file)


@pytest.mark.parametrize("kind", [dict, MappingProxyType, UserDict])
def test_any_mapping_is_taken(kind: type) -> None:
    """Tuples stand for lists, and what comes in is not changed."""
    given = kind({"group": "g", "models": ({"id": "m"},)})
    assert load(given).models[0].id == "m"
    assert given == kind({"group": "g", "models": ({"id": "m"},)})


def test_a_config_is_given_back() -> None:
    """What has been validated is not validated again."""
    config = Config(group="g")
    assert load(config) is config


@pytest.mark.parametrize("source", [3, b"models.yaml", [], object()])
def test_any_other_source_is_a_config_error(source: object) -> None:
    """The message says what is expected."""
    with pytest.raises(ConfigError, match="config: expected a path or a mapping, found"):
        load(source)  # type: ignore[arg-type]


def test_a_mapping_that_contains_itself_is_a_config_error() -> None:
    """No recursion without end."""
    given: dict[str, object] = {}
    given["topics"] = given
    with pytest.raises(ConfigError, match="deeper than 32 levels"):
        load(given)


@pytest.mark.parametrize("given", [{"http": {"port": 1 << 2000}}, {1: 2}, {"group": {1}}])
def test_values_that_yaml_has_not_are_a_config_error(given: dict[str, object]) -> None:
    """Huge numbers, sets, keys that are no texts."""
    with pytest.raises(ConfigError, match=r"^config: "):
        load(given)


def test_a_config_error_is_a_streamproc_error() -> None:
    """One except clause is enough for all that streamproc refuses."""
    assert issubclass(ConfigError, StreamprocError)


@pytest.mark.parametrize("on", ["prediction", "prediction:*", "quality:country", "error"])
def test_a_detector_of_categories_is_refused_where_there_are_only_numbers(on: str) -> None:
    """A detector of texts on a series that can hold none is refused, with what is wrong."""
    watch = [{"on": on, "detectors": ["adwin", "chi2"]}]
    with pytest.raises(ConfigError, match="watches texts, and"):
        load({"models": [{"id": "*", "watch": watch}]})
