"""Page again for incidents that stay open and that nobody acknowledges."""

from datetime import datetime, timedelta

from streamproc.incidents.incident import edit, page
from streamproc.schemas.incidents import IncidentState


def repeat_due(incident: IncidentState, interval: timedelta | None) -> datetime | None:
    """Return when an incident pages again unless somebody acts; None: it does not.

    Parameters
    ----------
    incident
        An incident; only one that is `firing` pages again.
    interval
        Time between two of its pages; None: it does not page again.
    """
    waits = incident.page_at is not None or not incident.paged
    if interval is None or incident.status != "firing" or waits:
        return None
    return incident.paged[-1] + interval


def repeat(incident: IncidentState, interval: timedelta | None, at: datetime) -> IncidentState:
    """Return an incident that has paged again, if its last page is `interval` ago; or the same."""
    due = repeat_due(incident, interval)
    if due is None or due > at:
        return incident
    return edit(page(incident, at), last_new_page=new_page_of(incident))


def new_page_of(incident: IncidentState) -> datetime | None:
    """Return when an incident paged last without repeating a page; None: it has not paged."""
    return incident.last_new_page or (incident.paged[-1] if incident.paged else None)
