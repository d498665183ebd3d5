"""Describe how the rules of a model are judged."""

from collections.abc import Iterator

from streamproc.alerting.rule_alerts import series_of
from streamproc.decode.layout import Model
from streamproc.detect.milestones import JUDGED as EVENTS
from streamproc.detect.rules.counts_kernel import JUDGED
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.schemas.series_status import SeriesState, SeriesStatus


def rule_statuses(
    shard: PartitionMonitor, model: Model, place: tuple[str, int], *, ended: bool
) -> Iterator[SeriesStatus]:
    """Yield the status of each rule of a model.

    One that no event was judged by is blind, after as many events as other series, or at the end.

    Parameters
    ----------
    shard
        The partition's monitor.
    model
        The model.
    place
        Topic and partition.
    ended
        Whether no more events come.
    """
    if not shard.rules.any:
        return
    table = shard.rules.table(model.config)
    slot = table.slots.get(model.id)
    events = int(model.layout.events[model.row])
    for at, rule in enumerate(table.rules):
        judged = 0 if slot is None else int(table.counts[slot, at, JUDGED])
        state: SeriesState = "watched"
        if not judged:
            state = "blind" if ended or events >= EVENTS else "learning"
        series = series_of(rule)
        incident = shard.rules.violations.get((model.id, series))
        if incident is not None and incident.id:
            state = "firing"
        grouped = shard.groups.of(model.id, series)
        yield SeriesStatus(
            model_id=model.name,
            series=series,
            topic=place[0],
            partition=place[1],
            state=state,
            character="unknown",
            values=judged,
            needed=1,
            incident_id=None if grouped is None else grouped.id,
        )
