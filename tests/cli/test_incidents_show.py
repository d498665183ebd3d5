"""The lines of ``streamproc incidents show``."""

from incidents.logs import command, fired, fold, only

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


def test_steps_of_another_day_have_a_date() -> None:
    """Whoever reads on the third day does not take a step of the first night for one of today."""
    two_days = 2 * 86_400.0
    note = command("incident_note", incident_id="incident of a", text="late")
    lines = describe(only(fold((fired("a"), 0), (note, 60.0), (note, two_days))), {}, {})
    assert any(line.endswith("(ana, 10:01:00Z)") for line in lines)
    later = command("incident_note", 2, incident_id="incident of a", text="later")
    lines = describe(only(fold((fired("a"), 0), (later, two_days))), {}, {})
    assert any(line.endswith("(ana, 2026-01-07 10:00:00Z)") for line in lines)


def test_a_silenced_incident_names_the_silence_to_end() -> None:
    """The next step can be copied as it is."""
    made = command("silence_set", matchers={"model": "a"}, end="2027-01-01T00:00:00Z", comment="")
    incident = only(fold((made, 0), (fired("a"), 1)))
    [silence] = incident.silences
    assert describe(incident, {}, {})[-1].endswith(f"`streamproc incidents unsilence {silence}`")
