"""Judge the events of one partition by the rules of their models, and report violations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Final

from streamproc.alerting import rule_alerts
from streamproc.alerting.incidents import Incidents
from streamproc.alerting.origin import Origin
from streamproc.alerting.pending_alert import PendingAlert
from streamproc.alerting.rule_messages import Example, shown
from streamproc.config.config import Config
from streamproc.config.model import ModelConfig
from streamproc.config.rule import Rule
from streamproc.decode.decoded_events import LayoutBatch
from streamproc.decode.event_schema import Topic
from streamproc.decode.layout import Layout, Model
from streamproc.decode.matrix import Matrix
from streamproc.detect.rules.columns import RuleColumns
from streamproc.detect.rules.counts_kernel import EXAMPLE, EXAMPLES, FIRING, RESOLVED
from streamproc.detect.rules.table import Finding, RuleTable
from streamproc.schemas.records import Record

REDACTED: Final = "(redacted)"
Key = tuple[str, str]
"""Model id and name of the series."""


@dataclass(slots=True)
class RuleIncident:
    """What is known of the violations of a rule by a model.

    Attributes
    ----------
    id
        Id of the open incident; empty without one.
    last_reported
        Event time of its first alert.
    examples
        The first violations since the last alert.
    """

    id: str = ""
    last_reported: float = 0.0
    examples: list[Example] = field(default_factory=list)


class RuleWatch:
    """The rules of all models of a partition.

    Parameters
    ----------
    kind
        Kind of the topic. Outcomes are not judged: their events were; and events of the topic of
        features not by rules of predictions, which they do not have.
    config
        The configuration.
    incidents
        Makes the origins of alerts.

    Attributes
    ----------
    violations
        By model and series, of those that have had any.
    """

    def __init__(self, kind: Topic, config: Config, incidents: Incidents) -> None:
        self._kind, self._incidents, self._redact = kind, incidents, config.redact
        policy = config.policy
        self._policy = (
            policy.resolve_after.values,
            policy.resolve_after.time.total_seconds(),
            policy.update_interval.total_seconds(),
        )
        self._tables: dict[int, RuleTable] = {}  # by id of a configuration, which the other keeps
        self._configs: dict[int, ModelConfig] = {}
        self.violations: dict[Key, RuleIncident] = {}
        self.any = kind is not Topic.OUTCOMES and any(model.rules for model in config.models)

    def table(self, config: ModelConfig) -> RuleTable:
        """Return the counts of the models with a configuration."""
        found = self._tables.get(id(config))
        if found is None:
            rules = [rule for rule in config.rules if self._judges(rule)]
            self._configs[id(config)] = config
            found = self._tables[id(config)] = RuleTable(rules)
        return found

    def open(self) -> dict[Key, RuleIncident]:
        """Return the open incidents."""
        return {key: each for key, each in self.violations.items() if each.id}

    def look(
        self,
        layout: Layout,
        batch: LayoutBatch,
        data: Matrix,
        records: Sequence[Record],
        now: datetime,
    ) -> Iterator[PendingAlert]:
        """Judge the events of a layout in a slice; yield what is to be reported."""
        models = {row: layout.model(row) for row in data.runs[:, 0].tolist()}
        table = self.table(next(iter(models.values())).config)
        if not table.rules:
            return
        columns = RuleColumns(layout, batch, data, records)
        ids = [model.id for model in models.values()]
        for found in table.judge(columns, data, ids, self._policy):
            model = models[found.row]
            if found.what == EXAMPLE:
                self._note(model, found, columns, int(data.offsets[found.event]))
            else:
                yield self._report(model, found, data, now)

    def forget(
        self, model: Model, place: int, origin: Origin, now: datetime
    ) -> Iterator[PendingAlert]:
        """Forget a model; yield the ends of its incidents."""
        table = self._tables.get(id(model.config))
        if table is None:
            return
        table.release(model.id)
        for rule in table.rules:
            series = rule_alerts.series_of(rule)
            incident = self.violations.pop((model.id, series), None)
            if incident is not None and incident.id:
                about = model.name, model.config
                alert = rule_alerts.ended(rule, about, incident.id, origin, now)
                yield PendingAlert(place, series, alert, model.id)

    def _judges(self, rule: Rule) -> bool:
        return not (self._kind is Topic.FEATURES and rule.of_predictions)

    def _note(self, model: Model, found: Finding, columns: RuleColumns, offset: int) -> None:
        """Remember a violation as an example for the next alert."""
        key = model.id, rule_alerts.series_of(found.rule)
        incident = self.violations.setdefault(key, RuleIncident())
        if found.counts[EXAMPLES] == 0:
            incident.examples.clear()
        incident.examples.append((offset, self._value(found.rule, columns, found.event)))

    def _value(self, rule: Rule, columns: RuleColumns, event: int) -> str:
        """Return what a rule has read at an event."""
        if rule.missing is not None:
            return ""
        if rule.freshness is not None:
            return f"{columns.ages()[event]:.6g} s"
        names = rule.references
        if rule.unique is not None:
            names = tuple(map(columns.typed, names))
        values = [
            (
                str(of),
                REDACTED
                if self._is_redacted(of.origin, of.name)
                else shown(columns.value(of, event)),
            )
            for of in names
        ]
        if rule.expression is None:
            return values[0][1]
        return " and ".join(f"{name} {value}" for name, value in values)

    def _is_redacted(self, origin: str, name: str) -> bool:
        return origin in {"feature", "tag"} and any(
            fnmatchcase(name, glob) for glob in self._redact
        )

    def _report(self, model: Model, found: Finding, data: Matrix, now: datetime) -> PendingAlert:
        event = found.event
        series = rule_alerts.series_of(found.rule)
        place, ts = int(data.places[event]), float(data.ts[event])
        version = data.event(event).model_version
        origin = self._incidents.origin(place, int(data.offsets[event]), ts, version)
        incident = self.violations[model.id, series]
        about = model.name, model.config
        alert = rule_alerts.rule_alert(
            found, about, incident.examples, incident.id or None, origin, now
        )
        if found.what == FIRING:
            incident.id, incident.last_reported = alert.incident_id, ts
        elif found.what == RESOLVED:
            del self.violations[model.id, series]
        return PendingAlert(place, series, alert, model.id, rule_alerts.size_of(alert))
