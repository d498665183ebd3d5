import pytest
from outcome_logs import outcome, told
from planted_errors import CHANGE, KINDS, hits, named, planted


@pytest.mark.parametrize("numbers", [False, True], ids=["classes", "numbers"])
@pytest.mark.parametrize("kind", ["unit", "region"])
def test_the_feature_behind_an_error_is_named(kind: str, *, numbers: bool) -> None:
    """An incident of errors lists the feature whose change came with it before all others."""
    found = hits(kind, range(2), told, numbers=numbers)

    assert len(found) == 2
    assert all(found)


@pytest.mark.slow
@pytest.mark.parametrize("numbers", [False, True], ids=["classes", "numbers"])
@pytest.mark.parametrize("kind", [*KINDS, "region+other", "unit+other"])
def test_four_times_in_five_the_right_feature_is_first(kind: str, *, numbers: bool) -> None:
    """Of 30 planted errors of each kind the right feature is first in at least 80 %."""
    found = hits(kind, range(30), told, numbers=numbers)

    assert found
    assert sum(found) >= 0.8 * len(found)


def test_the_sentence_names_the_feature_with_its_part() -> None:
    """The message of the first alert says which feature explains how much of the increase."""
    rows, right = planted("unit", 3, CHANGE + 200)
    first = next(alert for alert in told(rows) if alert.kind in {"concept", "performance"})

    assert first.contributors
    share = f"{100 * first.contributors[0].share:.0f} %"
    assert f"; explained mostly by feature {right!r} ({share})" in first.message


def test_later_alerts_of_an_incident_keep_its_features() -> None:
    """What explains an incident stays in its updates and in its end, in place of error series."""
    rows, right = planted("unit", 3, CHANGE + 400)
    alerts = told(rows, {"policy": {"update_interval": "60s"}})
    errors = [each for each in alerts if each.kind in {"concept", "performance"}]
    errors = [each for each in errors if each.detector != "floor"]

    assert len(errors) > 1
    for alert in errors:
        assert alert.contributors
        assert alert.contributors[0].series == f"feature:{right}"


@pytest.mark.parametrize("numbers", [False, True], ids=["classes", "numbers"])
def test_no_feature_is_named_when_none_stands_out(*, numbers: bool) -> None:
    """An error that rises alike for all values of all features is explained by none of them."""
    rows, _ = planted("everywhere", 1, CHANGE + 300, numbers=numbers)

    assert named(told(rows)) == []


def test_outcomes_without_features_are_explained_by_none() -> None:
    """An error of events that have no features is reported as before."""
    rows, _ = planted("everywhere", 1, CHANGE + 300)
    bare = [
        outcome(at, row["prediction"], row["label"], features=None) for at, row in enumerate(rows)
    ]

    assert named(told(bare)) == []
