"""``streamproc deployments``, and what ``incidents show`` tells of them."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from cli.test_incidents_command import cluster
from incidents.logs import at, fired, fold, only, sighted

from streamproc.cli.incidents_list import cause_of
from streamproc.cli.incidents_show import describe
from streamproc.schemas.deployments import Deployment

__all__ = ["cluster"]


def test_announcing_and_listing(run: Any, cluster: Path) -> None:
    """Who releases says so in one command, and everybody sees it in the list."""
    config = ("--config", cluster)
    flags = ("--note", "trained on December", "--at", "2026-01-05T10:00:00Z", *config)
    first = run("deployments", "announce", "fraud", "8", "--by", "ci", *flags)
    assert first.exit_code == 0
    assert first.stdout.startswith("deployment ")
    second = run("deployments", "announce", "churn", "3", *flags).stdout
    assert "released with 1 other model" in second
    listed = run("deployments", *config).stdout
    assert "announced by ci" in listed
    assert "trained on December" in listed
    only_fraud = run("deployments", "--model", "fr*", "--json", *config).stdout
    assert Deployment.from_json(only_fraud).announced == at(0)
    assert run("deployments", "--since", "2026-01-06T00:00:00Z", "--json", *config).stdout == ""
    assert json.loads(only_fraud)["model_version"] == "8"
    assert "1 other" in run("deployments", "--model", "fr*", *config).stdout


def test_show_names_the_nearest_deployment_and_its_distance() -> None:
    """The line of the onset answers whether a release came before."""
    log = [(sighted(model), 0.0) for model in ("fraud", "churn")]
    book = fold(*log, (fired("fraud", onset=300), 305.0))
    known = [each for each in book.take_changes().values() if isinstance(each, Deployment)]
    shown = describe(only(book), {}, {}, known)
    assert len(shown) <= 10
    [line] = [each for each in shown if each.startswith("began")]
    assert line.endswith(
        "; 4m after the deployment of version 8 of model fraud (was 7) at 2026-01-05 10:00:00Z,"
        " released with 1 other model"
    )
    [line] = [each for each in describe(only(book), {}, {}, []) if each.startswith("began")]
    assert line.endswith("; no deployment of its models is known")


def test_show_tells_of_a_deployment_that_came_later() -> None:
    """A change that was there before the release did not come from it."""
    book = fold((fired("fraud"), 5.0), (sighted("fraud", seconds=3660), 3660))
    known = [each for each in book.take_changes().values() if isinstance(each, Deployment)]
    [line] = [each for each in describe(only(book), {}, {}, known) if each.startswith("began")]
    assert "; 1h before the deployment of version 8" in line
    assert known[0].began - at(60) == timedelta(hours=1)


def test_the_list_says_that_a_release_came_before() -> None:
    """An incident of models released together is listed as that."""
    log = [(sighted(model), 0.0) for model in "abc"]
    changes = [(fired(model, model, onset=60), 65.0) for model in "abc"]
    assert cause_of(only(fold(*log, *changes))) == "after the release of 3 models: a, b, c"
