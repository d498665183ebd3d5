"""Find incidents by what receivers show."""

from typing import Any, cast

import pytest
from incidents.logs import GROUPED, Owner, fired, tick

from streamproc.client.incidents import IncidentTopic, UnknownIncidentError
from streamproc.incidents.records import StoredBook


def test_the_id_of_a_group_leads_to_its_incidents() -> None:
    """Receivers of grouped incidents show the group's id, which is that of no incident."""
    log = [(fired("a", "x"), 0.0), (fired("b", "x", onset=-500), 1.0), tick(20.0)]
    topic = IncidentTopic(GROUPED, cast("Any", None))
    topic.values.update(StoredBook().feed(Owner(log).batch(len(log))))
    assert topic.find("incident of a").incident_id == "incident of a"
    group = next(each for each in topic.values.groups.values() if each.labels == {"feature": "x"})
    with pytest.raises(UnknownIncidentError) as caught:
        topic.find(group.group_id)
    assert str(caught.value) == (
        f"'{group.group_id}' is a group, which sink {group.sink} got as one notification: name"
        " one of its incidents, incident of a, incident of b"
    )
