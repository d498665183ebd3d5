"""Describe in one line what a worker has read and published."""

from typing import Final

from prometheus_client import CollectorRegistry

from streamproc.terminal import count

_PREFIX: Final = "streamproc_"


def run_summary(registry: CollectorRegistry) -> str:
    """Return the counts of a worker's run, from its metrics.

    Examples
    --------
    >>> from prometheus_client import Counter
    >>> registry = CollectorRegistry()
    >>> Counter("streamproc_records_total", "", registry=registry).inc(3)
    >>> Counter("streamproc_events_total", "", registry=registry).inc(2)
    >>> Counter("streamproc_dead_letters_total", "", registry=registry).inc()
    >>> run_summary(registry)
    '3 records read: 2 events watched, 1 dead letter; 0 alerts published'
    """
    found: dict[str, int] = {}
    for metric in registry.collect():
        for sample in metric.samples:
            if sample.name.startswith(_PREFIX) and sample.name.endswith("_total"):
                name = sample.name[len(_PREFIX) : -len("_total")]
                found[name] = found.get(name, 0) + int(sample.value)

    def counted(name: str, noun: str) -> str:
        return count(found.get(name, 0), noun)

    letters = found.get("dead_letters", 0) + found.get("labels_dead_letters", 0)
    parts = [f"{counted('events', 'event')} watched"]
    if found.get("events_repeated"):
        parts.append(f"{counted('events_repeated', 'event')} repeated")
    parts.append(count(letters, "dead letter"))
    if found.get("event_fields"):
        parts.append(f"{counted('event_fields', 'field')} converted or missing")
    line = f"{counted('records', 'record')} read: {', '.join(parts)}"
    if found.get("outcomes"):
        line += f"; {counted('outcomes', 'outcome')} of labels"
    if "intake_records" in found:
        line += (
            f"; intake: {counted('intake_records', 'record')}, {counted('intake_events', 'event')}"
        )
        line += f", {counted('intake_dead_letters', 'dead letter')}"
    return f"{line}; {counted('alerts', 'alert')} published"
