import re
from pathlib import Path
from typing import Any

import pytest

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.config.model import DetectorSpec
from streamproc.detectors import registry
from streamproc.errors import ConfigError

MODELS = [
    {
        "id": "fraud-*",
        "owner": "risk",
        "watch": [
            {"on": "feature:id", "detectors": []},
            {"on": "feature:*", "detectors": [{"page_hinkley": {"threshold": 20}}, "adwin"]},
        ],
    },
    {"id": "Fraud-1", "owner": "never by fraud-1"},
    {"id": "*", "severity": "critical"},
]


def names(config: Config, model_id: str, series: str) -> list[str]:
    """Names of the detectors that look at a series."""
    return [spec.name for spec in config.model(model_id).detectors(series)]


def test_the_first_model_that_matches_wins() -> None:
    """Globs differ in case, and later entries are for the rest."""
    config = load({"models": MODELS})
    assert config.model("fraud-1").owner == "risk"
    assert config.model("Fraud-1").owner == "never by fraud-1"
    assert config.model("other").severity == "critical"


def test_the_first_watch_entry_that_matches_wins() -> None:
    """An empty list of detectors hides a series from the entries after it."""
    config = load({"models": MODELS})
    assert names(config, "fraud-1", "feature:id") == []
    assert names(config, "fraud-1", "feature:amount") == ["page_hinkley", "adwin"]
    assert names(config, "fraud-1", "prediction") == []


@pytest.mark.parametrize("models", [[], [{"id": "other"}], [{"id": "m"}]])
def test_every_series_is_watched_when_nothing_is_said(models: list[dict[str, str]]) -> None:
    """With no entry, none that matches, or one without `watch`: mixture and Page-Hinkley."""
    config = load({"models": models})
    for series in ("feature:a", "prediction", "prediction:cat", "quality:a"):
        assert names(config, "m", series) == ["mixture", "page_hinkley"]


def test_an_empty_watch_list_watches_nothing() -> None:
    """A model can be left alone."""
    assert names(load({"models": [{"id": "m", "watch": []}]}), "m", "prediction") == []


def test_parameters_are_resolved_whole() -> None:
    """What is not given is the registry's default, in the parameter's own type."""
    [spec, _] = load({"models": MODELS}).model("fraud-1").detectors("feature:x")
    assert spec.params == registry.resolve("page_hinkley", {"threshold": 20})
    assert spec.params["threshold"] == 20


def test_a_hash_is_of_what_a_detector_does() -> None:
    """Defaults written out change nothing, another parameter does; it is the same tomorrow."""
    plain = DetectorSpec.model_validate("adwin")
    written = DetectorSpec.model_validate({"adwin": registry.resolve("adwin", {})})
    other = DetectorSpec.model_validate({"adwin": {"delta": 0.5}})
    empty = DetectorSpec.model_validate({"adwin": None})
    assert plain.hash == written.hash == empty.hash != other.hash
    literal = DetectorSpec.model_construct(name="adwin", params={"b": 1, "a": 0.002})
    assert literal.hash == "a938cf9fcae0c0fd"


def test_integers_and_equal_floats_hash_alike() -> None:
    """20 and 20.0 are one threshold."""
    specs = [DetectorSpec.model_validate({"page_hinkley": {"threshold": x}}) for x in (20, 20.0)]
    assert specs[0].hash == specs[1].hash


@pytest.mark.parametrize(
    ("detectors", "message"),
    [
        (["adwn"], "detectors[0]: there is no such detector; did you mean `adwin`?"),
        ([{"page_hinkly": {}}], "detectors[0]: there is no such detector; did you mean `page_h"),
        ([{"adwin": {"dleta": 1}}], "detectors[0].adwin.dleta: unknown parameter; did you mean `d"),
        (["page_hinkley", {"adwin": {"delta": 7}}], "detectors[1].adwin.delta: expected"),
        ([{"adwin": {"delta": "x"}}], "detectors[0].adwin.delta: expected"),
        ([{"adwin": {}, "page_hinkley": {}}], "detectors[0]: expected a detector's name"),
        ([{"adwin": 3}], "detectors[0].adwin: expected a mapping"),
        ([None], "detectors[0]: expected a detector's name"),
        ([{1: {}}], "detectors[0]: expected a detector's name"),
        (["adwin", {"adwin": {}}], "detectors[1]: is in this list already"),
        ("adwin", "detectors: expected a list"),
    ],
)
def test_wrong_detectors_are_refused_with_advice(detectors: object, message: str) -> None:
    """The line names the place in the list, and what was probably meant."""
    with pytest.raises(ConfigError) as caught:
        load({"models": [{"id": "m", "watch": [{"on": "*", "detectors": detectors}]}]})
    assert f"config: models[0].watch[0].{message}" in str(caught.value)


@pytest.mark.parametrize(
    "glob",
    [
        *("*", "f*", "?rediction", "[fq]*", "feat*:x", "feature:*", "feature:a b", "quality:*"),
        *("prediction", "prediction:cat", "error", "metric:revenue"),
    ],
)
def test_globs_of_the_contracts_series_are_taken(glob: str) -> None:
    """Every series that the contract names can be matched."""
    watch = [{"on": glob, "detectors": ["adwin"]}]
    assert load({"models": [{"id": "m", "watch": watch}]}).model("m").watch[0].on == glob


@pytest.mark.parametrize("glob", ["amount", "amount*", "features:x", "errors", "Feature:x", ""])
def test_a_glob_that_matches_no_series_is_refused(glob: str) -> None:
    """A feature's bare name would watch nothing, silently."""
    with pytest.raises(ConfigError, match=r"watch\[0\]\.on: matches no series"):
        load({"models": [{"id": "m", "watch": [{"on": glob, "detectors": ["adwin"]}]}]})


@pytest.mark.parametrize("ids", [["a", "b", "a"], ["*", "b"]])
def test_an_entry_that_is_never_reached_is_refused(ids: list[str]) -> None:
    """Both for models and for what is watched of them."""
    last = len(ids) - 1
    with pytest.raises(ConfigError, match=rf"config: models\[{last}\]\.id: never reached"):
        load({"models": [{"id": glob} for glob in ids]})
    globs = [glob if glob == "*" else f"feature:{glob}" for glob in ids]
    watch = [{"on": glob, "detectors": []} for glob in globs]
    with pytest.raises(ConfigError, match=rf"watch\[{last}\]\.on: never reached: entry 0"):
        load({"models": [{"id": "m", "watch": watch}]})


@pytest.mark.parametrize("url", ["http://x.example", "x", "https://", "", "javascript:alert(1)"])
def test_a_runbook_is_an_https_url(url: str) -> None:
    """A link in an alert is one that a person on call can click."""
    with pytest.raises(ConfigError, match=r"models\[0\]\.runbook: expected a URL that starts"):
        load({"models": [{"id": "m", "runbook": url}]})


def test_a_runbook_is_kept_as_written() -> None:
    """No slash is added, nothing is encoded."""
    url = "https://wiki.example.org"
    assert load({"models": [{"id": "m", "runbook": url}]}).model("m").runbook == url


def test_whitening_makes_other_detectors_of_the_same_names() -> None:
    """`whiten` changes the hashes, and so the incidents, of every detector of its entry alone."""
    entries = [{"on": f"feature:{on}", "detectors": ["adwin", "focus"]} for on in "ab"]
    entries[0]["whiten"] = True
    model = load({"models": [{"id": "m", "watch": entries}]}).model("m")
    white, plain = model.detectors("feature:a"), model.detectors("feature:b")
    assert [spec.whitened for spec in (*white, *plain)] == [True, True, False, False]
    assert [spec.name for spec in white] == [spec.name for spec in plain]
    assert not {spec.hash for spec in white} & {spec.hash for spec in plain}


def test_errors_cannot_be_whitened() -> None:
    """Detectors of errors read them as they come: with `whiten` they are refused, by place."""
    watch = [{"on": "error", "detectors": ["adwin", "ddm"], "whiten": True}]
    with pytest.raises(ConfigError, match=r"watch\[0\]\.detectors\[1\]: reads errors as they come"):
        load({"models": [{"id": "m", "watch": watch}]})


@pytest.mark.parametrize(
    ("watch", "where"),
    [
        ([{"on": "error", "detectors": ["adwin", "ddm"]}], "watch[0].detectors[1]"),
        ([{"on": "error", "detectors": ["river:EDDM"]}], "watch[0].detectors[0]"),
        (
            [{"on": "feature:*", "detectors": ["adwin"]}, {"on": "*", "detectors": ["hddm_a"]}],
            "watch[1].detectors[0]",
        ),
        ([{"on": "metric:*", "detectors": ["ecdd"]}], "watch[0].detectors[0]"),
    ],
)
def test_detectors_of_right_or_wrong_are_refused_for_a_regression(
    watch: list[dict[str, object]], where: str
) -> None:
    """A regression's error is a number that they cannot read: the refusal names those that can."""
    with pytest.raises(ConfigError) as error:
        load({"models": [{"id": "m", "task": "regression", "watch": watch}]})
    assert f"models[0].{where}: " in str(error.value)
    assert "reads right or wrong, and a regression's error is a number" in str(error.value)
    assert "expected one of: adwin, page_hinkley, " in str(error.value)


@pytest.mark.parametrize(
    ("task", "watch"),
    [
        ("regression", [{"on": "*", "detectors": ["adwin", "ddm"]}]),
        ("regression", [{"on": "error", "detectors": []}, {"on": "*", "detectors": ["adwin"]}]),
        (
            "regression",
            [{"on": "feature:failed", "detectors": ["ddm"]}, {"on": "*", "detectors": ["adwin"]}],
        ),
        ("binary", [{"on": "error", "detectors": ["ddm"]}]),
        (None, [{"on": "error", "detectors": ["ddm"]}]),
    ],
)
def test_detectors_of_right_or_wrong_are_taken_where_something_reads_the_losses(
    task: str | None, watch: list[dict[str, object]]
) -> None:
    """Under a glob they are for other series, and what a model is may not be known yet."""
    assert load({"models": [{"id": "m", "task": task, "watch": watch}]}).models[0].task == task


@pytest.mark.parametrize("which", ["detectors", "warning"])
def test_an_online_regressor_refuses_detectors_of_right_or_wrong(which: str) -> None:
    """Its own error is a number, too."""
    online = {"model": "linear_model.LinearRegression", which: ["ddm"]}
    with pytest.raises(ConfigError, match=rf"online\.{which}\[0\]: ddm reads right or wrong"):
        load({"models": [{"id": "m", "online": online}]})


def test_a_silence_shorter_than_the_clock_of_a_partition_is_refused() -> None:
    """Event time is counted in minutes, so `silence: {after: 30s}` could not be kept."""
    with pytest.raises(ConfigError, match="a minute or more"):
        load({"models": [{"id": "fraud", "silence": {"after": "30s"}}]})


def test_no_glob_watches_the_features_together() -> None:
    """`on: features` is for all numeric features together, which no glob is, not even `*`."""
    adwin, cusum = ({"detectors": [name]} for name in ("adwin", "cusum"))
    together = cusum | {"on": "features"}
    for watch in ([adwin | {"on": "*"}, together], [together, adwin | {"on": "*"}]):
        model = load({"models": [{"id": "m", "watch": watch}]}).model("m")
        assert [spec.name for spec in model.detectors("features")] == ["cusum"]
        assert [spec.name for spec in model.detectors("feature:a")] == ["adwin"]
    for glob in ("*", "feature*"):
        model = load({"models": [{"id": "m", "watch": [adwin | {"on": glob}]}]}).model("m")
        assert model.detectors("features") == ()


@pytest.mark.parametrize(
    ("watch", "problem"),
    [
        ([{"on": "features", "detectors": ["chi2"]}], "watches texts, and features is a number"),
        ([{"on": "features", "detectors": ["ddm"]}], "reads right or wrong"),
        (2 * [{"on": "features", "detectors": ["adwin"]}], "never reached"),
        ([{"on": "features:a", "detectors": ["adwin"]}], "matches no series"),
    ],
)
def test_a_watch_of_features_that_would_see_nothing_is_refused(watch: Any, problem: str) -> None:
    """Detectors that do not read distances, and a second entry, are refused with the reason."""
    with pytest.raises(ConfigError, match=problem):
        load({"models": [{"id": "m", "watch": watch}]})


@pytest.mark.parametrize(
    ("segments", "place", "message"),
    [
        ("{tags: []}", "models[0].segments.tags", "at least 1"),
        ("{tags: [region, region]}", "models[0].segments.tags[1]", "is in this list already"),
        ("{tags: [region], largest: 0}", "models[0].segments.largest", "1"),
        ("{largest: 5}", "models[0].segments.tags", ""),
    ],
)
def test_segments_without_a_tag_or_a_value_are_refused(
    tmp_path: Path, segments: str, place: str, message: str
) -> None:
    """`check` names the key of segments that would watch nothing, or one tag twice."""
    file = tmp_path / "streamproc.yaml"
    file.write_text(f"models:\n  - id: m\n    segments: {segments}\n")
    with pytest.raises(ConfigError, match=re.escape(place)) as caught:
        load(file)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "watch",
    [
        "[]",
        "[{on: error, detectors: [ddm]}]",
        "[{on: 'quality:*', detectors: [adwin]}]",
        "[{on: features, detectors: [adwin]}]",
        "[{on: 'feature:*', detectors: []}]",
    ],
)
def test_segments_of_a_model_without_features_or_predictions_are_refused(
    tmp_path: Path, watch: str
) -> None:
    """`check` refuses segments where no entry of `watch` is for a feature or a prediction."""
    file = tmp_path / "streamproc.yaml"
    file.write_text(f"models:\n  - id: m\n    watch: {watch}\n    segments: {{tags: [region]}}\n")
    with pytest.raises(ConfigError, match=r"models\[0\]\.segments: watches nothing"):
        load(file)


@pytest.mark.parametrize("on", ["*", "feature:km", "pred*", "prediction:yes", "f*", "[fp]*"])
def test_segments_of_what_is_watched_are_accepted(tmp_path: Path, on: str) -> None:
    """Segments are those of the features and predictions that `watch` names."""
    file = tmp_path / "streamproc.yaml"
    file.write_text(
        f"models:\n  - id: m\n    watch: [{{on: '{on}', detectors: [adwin]}}]\n"
        "    segments: {tags: [region, shop]}\n"
    )
    segments = load(file).models[0].segments
    assert segments is not None
    assert segments.tags == ("region", "shop")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("{on: '*', detectors: [mixture], follow: false, season: daily}", "`follow` is false"),
        ("{on: '*', detectors: [mixture], whiten: true, season: daily}", "`whiten` is true"),
        ("{on: error, detectors: [ddm], season: 'off'}", "series of labels are not followed"),
        (
            "{on: 'metric:*', detectors: [adwin], season: daily}",
            "series of labels are not followed",
        ),
    ],
)
def test_a_season_without_effect_is_refused(tmp_path: Path, entry: str, reason: str) -> None:
    """`check` refuses a season of series that are not compared with a profile."""
    file = tmp_path / "streamproc.yaml"
    file.write_text(f"models:\n  - id: m\n    watch: [{entry}]\n")
    with pytest.raises(ConfigError, match=re.escape(f"season: has no effect: {reason}")) as caught:
        load(file)
    assert "models[0].watch[0].season" in str(caught.value)


def test_a_season_is_part_of_the_settings_of_a_series(tmp_path: Path) -> None:
    """Another season starts the series again; without one, ids of alerts stay as they were."""
    file = tmp_path / "streamproc.yaml"
    hashes = set()
    for season in ("null", "daily", "off"):
        file.write_text(
            "models:\n  - id: m\n    watch:\n"
            f"      - {{on: '*', detectors: [mixture], season: {season}}}\n"
        )
        hashes.add(load(file).model("m").detectors("feature:a")[0].hash)
    assert len(hashes) == 3
    assert DetectorSpec.model_validate("mixture").hash in hashes
