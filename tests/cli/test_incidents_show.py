"""The lines of ``streamproc incidents show``."""

from incidents.logs import fired, fold, only

from streamproc.cli.incidents_show import describe


def test_a_model_with_several_incidents_counts_once() -> None:
    """It is named with each of its series, and has recovered when all of them have."""
    incident = only(fold((fired("a"), 0), (fired("b"), 1)))
    first, second = incident.members
    ended = first.model_copy(
        update={"series": tuple(each.model_copy(update={"open": False}) for each in first.series)}
    )
    lines = describe(incident.model_copy(update={"members": (first, second, ended)}), {}, {})
    over = describe(incident.model_copy(update={"members": (ended, second, ended)}), {}, {})

    assert "models    2 (0 recovered): a (feature:fx_rate), a (feature:fx_rate), b" in lines[4]
    assert "models    2 (1 recovered)" in over[4]
