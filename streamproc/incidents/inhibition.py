"""Follow which open incidents hide the series of others, by the rules of the configuration.

What hides what follows from the open incidents and the time alone, so that an owner who reads them
from the topic has the same marks.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from streamproc.config.inhibit import InhibitRule
from streamproc.incidents.incident import is_event
from streamproc.incidents.marks import with_marks
from streamproc.incidents.members import labels_of
from streamproc.schemas.incidents import ChangedSeries, IncidentState, Member

# Nothing ends such an incident. A day, after which it expires, is too long to hide real drift.
EVENT_INHIBITS: Final = timedelta(hours=1)
"""How long an event that nothing resolves, such as lost state, hides others."""
EVERY_MODEL: Final = "*"


class _Key(NamedTuple):
    """What a source and its targets have in common.

    `partition` is that of a source about all models, else None.
    """

    rule: int
    values: tuple[str, ...]
    partition: int | None


class Inhibition:
    """The open sources of each rule, and the models that incidents are about.

    Parameters
    ----------
    rules
        The rules of the configuration.
    """

    def __init__(self, rules: Sequence[InhibitRule]) -> None:
        self._rules: Final = [
            (rule.source_matchers, rule.target_matchers, rule.equal) for rule in rules
        ]
        self._keys: dict[str, frozenset[_Key]] = {}
        self._sources: defaultdict[_Key, set[str]] = defaultdict(set)
        self._models: dict[str, frozenset[str]] = {}
        self._of_model: defaultdict[str, set[str]] = defaultdict(set)

    def follow(self, incident: IncidentState, at: datetime) -> set[str]:
        """Take note of the state of an incident; return the incidents whose marks may change."""
        models = frozenset(member.model_id for member in incident.members) if incident.open else ()
        self._move(incident.incident_id, frozenset(models))
        keys = frozenset(self._keys_of(incident)) if _is_source(incident, at) else frozenset()
        return self._change(incident.incident_id, keys)

    def forget(self, incident_id: str) -> set[str]:
        """Remove an incident; return the incidents whose marks may change."""
        self._move(incident_id, frozenset())
        return self._change(incident_id, frozenset())

    def mark(self, incident: IncidentState) -> IncidentState:
        """Return an incident with the ids of those that hide its series; the same if none does."""
        hidden_or_may_be = self._sources or incident.inhibited_by
        if not incident.open or not hidden_or_may_be:
            return incident
        return with_marks(incident, "inhibited_by", self._covering)

    def due(self, incident: IncidentState) -> datetime | None:
        """Return when an incident stops hiding others by itself; None if it does not."""
        if incident.incident_id in self._keys and is_event(incident):
            return incident.opened + EVENT_INHIBITS
        return None

    def _covering(self, member: Member, series: ChangedSeries) -> tuple[str, ...]:
        if not series.open:
            return ()
        labels, found = labels_of(member, series), set[str]()
        for number, (source, target, equal) in enumerate(self._rules):
            if not all(each.matches(labels) for each in target):
                continue
            if all(each.matches(labels) for each in source):
                continue
            keys = [_Key(number, tuple(labels[label] for label in equal), None)]
            if "model" in equal:
                everywhere = {**labels, "model": EVERY_MODEL}
                values = tuple(everywhere[label] for label in equal)
                keys.append(_Key(number, values, series.source.partition))
            found.update(*(self._sources.get(key, ()) for key in keys))
        return tuple(sorted(found))

    def _keys_of(self, incident: IncidentState) -> Iterator[_Key]:
        for member in incident.members:
            for series in member.series:
                if not series.open:
                    continue
                labels = labels_of(member, series)
                for number, (source, _, equal) in enumerate(self._rules):
                    if all(each.matches(labels) for each in source):
                        everywhere = "model" in equal and member.model_id == EVERY_MODEL
                        values = tuple(labels[label] for label in equal)
                        yield _Key(number, values, series.source.partition if everywhere else None)

    def _change(self, incident_id: str, keys: frozenset[_Key]) -> set[str]:
        before = self._keys.pop(incident_id, frozenset())
        if keys:
            self._keys[incident_id] = keys
        for key in before - keys:
            self._sources[key].discard(incident_id)
            if not self._sources[key]:
                del self._sources[key]
        for key in keys - before:
            self._sources[key].add(incident_id)
        return {each for key in keys ^ before for each in self._reached(key)}

    def _reached(self, key: _Key) -> Iterable[str]:
        equal = self._rules[key.rule][2]
        if "model" not in equal or key.partition is not None:
            return self._models
        return self._of_model.get(key.values[equal.index("model")], ())

    def _move(self, incident_id: str, models: frozenset[str]) -> None:
        before = self._models.pop(incident_id, frozenset())
        if models:
            self._models[incident_id] = models
        for model in models - before:
            self._of_model[model].add(incident_id)
        for model in before - models:
            self._of_model[model].discard(incident_id)
            if not self._of_model[model]:
                del self._of_model[model]


def _is_source(incident: IncidentState, at: datetime) -> bool:
    return incident.open and not (is_event(incident) and incident.opened + EVENT_INHIBITS <= at)
