"""Group the series of a model that change together into one incident."""

from collections.abc import Sequence
from typing import Final

from streamproc.alerting.incident_group import IncidentGroup
from streamproc.alerting.pending_alert import PendingAlert
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.clip import clip_message
from streamproc.schemas.segment_series import in_segment, segment_of
from streamproc.schemas.series import JOINT

_NO_POINT = -1


class IncidentGrouper:
    """Groups the series of a model that change together into one incident.

    A change joins the open incident if it started no later than that incident's first alert;
    otherwise it opens a new one. Only the first alert counts, so an incident that never ends does
    not absorb later changes. A series that differed from its reference from the start counts as
    the earliest. An incident is over when all of its series are quiet. A segment and its
    model's same series are one incident also if the later change seems to have begun after that.

    Alarms must be given in the order of the log.

    Attributes
    ----------
    open
        By model, in the order of their first alerts.
    """

    def __init__(self) -> None:
        self.open: dict[str, list[IncidentGroup]] = {}

    def __len__(self) -> int:
        return sum(map(len, self.open.values()))

    def assign(self, pending: PendingAlert) -> AlertEvent | None:
        """Return the alert to publish, with its incident; None: nothing."""
        model, series, alert = pending.model, pending.series, pending.alert
        if model is None or (alert is not None and alert.status == "pending"):
            return alert
        if alert is not None and alert.status == "firing":
            return self._fire(pending, model, alert)
        group = self.of(model, series)
        if group is None:
            return alert
        if alert is None or alert.status == "resolved":
            self.close(model, group, series)
        elif alert.status == "settled":
            group.settled.add(series)
        else:
            group.settled.discard(series)
        return alert and _with_group(alert, group, _ending(group, alert))

    def of(self, model: str, series: str) -> IncidentGroup | None:
        """Give the incident that a series has not been quiet in."""
        groups = self.open.get(model, ())
        return next((group for group in groups if series in group.open), None)

    def close(self, model: str, group: IncidentGroup, series: str) -> None:
        """Let a series be quiet; an incident without one is over."""
        group.open.remove(series)
        group.settled.discard(series)
        if not group.open:
            self.open[model].remove(group)
        if not self.open[model]:
            del self.open[model]

    def _fire(self, pending: PendingAlert, model: str, alert: AlertEvent) -> AlertEvent:
        began = _NO_POINT if alert.change_point is None else alert.change_point.offset
        groups = self.open.setdefault(model, [])
        group = next((each for each in groups if self._has_begun(each, began)), None)
        group = group or _of_same_series(groups, pending.series, began, alert.source.offset)
        if group is None:
            group = IncidentGroup(alert.incident_id, alert.source.offset, alert.ts)
            groups.append(group)
        group.join(pending.series, pending.size)
        named, more = group.others(pending.series, still_open=False)
        return _with_group(alert, group, correlation_note(named, more) if named else "")

    def _has_begun(self, group: IncidentGroup, began: int) -> bool:
        """Whether a change is that of an incident."""
        return began <= group.first


def _of_same_series(
    groups: Sequence[IncidentGroup], series: str, began: int, alarmed: int
) -> IncidentGroup | None:
    """Return the incident of a model's series of which a segment's change is part, or vice versa.

    A segment has fewer values than its model, and a change of a segment shows less in its model. So
    the later alarm of the two knows less well when its change began. It is the same change if it
    began nearer to the first alert of the incident than to that alarm.
    """
    found = segment_of(series)
    for group in groups:
        if found is None:
            related = any(_is_segment_of(each, series) for each in group.open)
        else:
            related = found.series in group.open
        if related and began - group.first <= alarmed - began:
            return group
    return None


def _is_segment_of(other: str, series: str) -> bool:
    found = segment_of(other)
    return found is not None and found.series == series


def _ending(group: IncidentGroup, alert: AlertEvent) -> str:
    if alert.status != "resolved" or alert.reason == "superseded" or len(group.sizes) < 2:
        return ""
    named, more = group.others(alert.series, still_open=True)
    return continuation_note(named, more) if group.open else OVER


def _with_group(alert: AlertEvent, group: IncidentGroup, words: str) -> AlertEvent:
    group.explained = alert.contributors or group.explained
    contributors = group.explained or group.contributors()
    if contributors is None and alert.incident_id == group.id:
        return alert
    return alert.model_copy(
        update={
            "incident_id": group.id,
            "message": clip_message(alert.message + words),
            "contributors": contributors,
        }
    )


OVER: Final = "; the incident is over"
_ERRORS: Final = {
    "metric:log_loss": "the log loss",
    "metric:brier": "the Brier score",
    "metric:squared_error": "the squared error",
    "metric:estimated": "the estimated error",
}


def correlation_note(names: Sequence[str], more: int) -> str:
    """Say that a series is part of what is known already; `more`: others that are not named.

    Examples
    --------
    >>> correlation_note(["feature:km", "prediction"], 3)
    "; one incident with feature 'km', the prediction and 3 more"
    """
    return f"; one incident with {_listed(names, more)}"


def continuation_note(names: Sequence[str], more: int) -> str:
    """Say that others have not settled."""
    return f"; the incident goes on with {_listed(names, more)}"


def _listed(series: Sequence[str], more: int) -> str:
    names = [_name(each) for each in series]
    if more:
        names.append(f"{more} more" if names else f"{more} other series")
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _name(series: str) -> str:
    found = segment_of(series)
    if found is not None:
        return _name(found.series) + in_segment({found.tag: found.value})
    kind, _, name = series.partition(":")
    if kind in {"feature", "rule"}:
        return f"{kind} {name!r}"
    if kind == "quality":
        return f"the gaps of feature {name!r}"
    if kind == JOINT:
        return "the joint distribution of the features"
    if kind == "prediction":
        return f"the prediction of class {name!r}" if name else "the prediction"
    return _ERRORS.get(series, f"the {name or kind}")
