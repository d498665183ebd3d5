"""Note in an incident the next version of one of its models, which may end it."""

from datetime import datetime

from streamproc.incidents.incident import log_step
from streamproc.schemas.deployments import Deployment
from streamproc.schemas.incidents import IncidentState


def note_version(incident: IncidentState, deployment: Deployment, at: datetime) -> IncidentState:
    """Return an incident with a step for a version that began after its change.

    A release of several of its models is one step. What has ended has a step for the first release
    after it only, and one that is announced for later has none. Without a step the same object is
    returned.

    Parameters
    ----------
    incident
        The incident.
    deployment
        Of any model.
    at
        Time of the log.
    """
    onsets = [
        series.onset.latest
        for member in incident.members
        if member.model_id == deployment.model_id
        for series in member.series
        if series.onset is not None
    ]
    if not onsets or not max(onsets) < deployment.began <= at:
        return incident
    steps = [each for each in incident.timeline if each.step == "deployed"]
    mark = f"release {deployment.release}"
    if any(mark in (each.text or "") for each in steps):
        return incident
    if incident.ended is not None and any(each.at >= incident.ended for each in steps):
        return incident
    text = f"version {deployment.model_version}, {mark}"
    return log_step(
        incident, at, "deployed", by=deployment.by, model_id=deployment.model_id, text=text
    )
