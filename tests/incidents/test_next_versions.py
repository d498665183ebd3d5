"""The next version of a model is a step of its incidents."""

import pytest
from incidents.logs import at, command, fired, fold, later, only, sighted, steps, tick

from streamproc.incidents.book import IncidentBook
from streamproc.incidents.entries import Entry
from streamproc.schemas.incidents import IncidentState

FIRED = (fired("fraud", onset=60), 65.0)


def deployed(incident: IncidentState) -> list[str]:
    """Return what an incident has of versions."""
    return [each.text or "" for each in incident.timeline if each.step == "deployed"]


def test_the_next_version_is_in_the_timeline() -> None:
    """An open incident says when its model got another version, and goes on as it was."""
    before = only(fold(FIRED, tick(100)))
    incident = only(fold(FIRED, tick(100), (sighted("fraud", seconds=3600), 3600)))
    [text] = deployed(incident)

    assert text.startswith("version 8, release ")
    assert incident.timeline[-1].model_id == "fraud"
    assert incident.timeline[-1].at == at(3600)
    assert (incident.status, incident.paged) == (before.status, before.paged)


@pytest.mark.parametrize(
    "log",
    [
        [(sighted("fraud", seconds=50), 50.0), FIRED],  # the change came with it
        [FIRED, (sighted("churn", seconds=3600), 3600.0)],  # another model
        [
            FIRED,
            (command("deployment_announce", model_id="fraud", model_version="8",
                     at="2026-02-05T10:00:00Z"), 3600.0),
        ],
    ],
    ids=["before the change", "of another model", "announced for later"],
)  # fmt: skip
def test_other_versions_are_not(log: list[tuple[Entry, float]]) -> None:
    """A version that began before, is of another model, or is to begin later has no step."""
    book = fold(*log)
    [incident] = [each for each in book.incidents.values() if each.members[0].model_id == "fraud"]
    assert deployed(incident) == []


def test_a_release_is_one_step() -> None:
    """Members that get their versions together, announced and seen, are one step."""
    announced = command("deployment_announce", model_id="a", model_version="8", by="ci")
    book = fold(
        *((fired(model, onset=60), 65.0) for model in "abc"),
        (announced, 3600.0),
        *((sighted(model, seconds=3600), 3601.0) for model in "abc"),
    )
    incident = only(book)
    assert len(deployed(incident)) == 1
    assert [each.by for each in incident.timeline if each.step == "deployed"] == ["ci"]


def test_the_first_version_after_the_end_closes_the_loop() -> None:
    """An incident that has ended has the next version of its model, and no later one."""
    book = fold(
        FIRED,
        (later(FIRED[0]), 300.0),
        (sighted("fraud", "8", seconds=7200), 7200.0),
        (sighted("fraud", "9", seconds=90_000), 90_000.0),
    )
    incident = only(book)
    assert [text.partition(",")[0] for text in deployed(incident)] == ["version 8"]
    assert incident.status == "resolved"
    assert steps(incident)[-1] == "deployed"


def test_a_version_that_comes_again_is_one_step() -> None:
    """What every worker forwards counts once."""
    seen = sighted("fraud", seconds=3600)
    book: IncidentBook = fold(FIRED, (seen, 3600.0), (seen, 3601.0))
    assert len(deployed(only(book))) == 1
