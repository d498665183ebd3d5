"""Write an alert for people: a title, and its facts in the order in which one reads them. Pure."""

from typing import Final

from streamproc.schemas.alerts import AlertEvent, Summary
from streamproc.schemas.segment_series import in_segment

_WEB: Final = ("https://", "http://")


def shorten(text: str, limit: int) -> str:
    """Cut a text to a receiver's limit.

    Examples
    --------
    >>> shorten("amount rose", 8)
    'amount …'
    """
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def title(alert: AlertEvent) -> str:
    """Return status, model and series in one line.

    Examples
    --------
    >>> from streamproc.schemas.alerts import AlertEvent
    >>> title(AlertEvent.model_construct(status="firing", model_id="fraud", series="feature:a"))
    'FIRING fraud feature:a'
    >>> title(
    ...     AlertEvent.model_construct(
    ...         status="firing", model_id="fraud", series="feature:a", segment={"region": "eu"}
    ...     )
    ... )
    'FIRING fraud feature:a in region=eu'
    """
    where = in_segment(alert.segment)
    return f"{alert.status.upper()} {alert.model_id} {alert.series}{where}"


def facts(alert: AlertEvent) -> dict[str, str]:
    """Return what a person on call looks for besides the message; missing facts are left out."""
    since = alert.change_point and alert.change_point.ts
    segment = in_segment(alert.segment).removeprefix(" in ")
    together = ", ".join(f"{part.series} {part.share:.0%}" for part in alert.contributors or ())
    known = {
        "model": alert.model_id,
        "version": alert.model_version,
        "series": alert.series,
        "segment": segment,
        "kind": alert.kind,
        "severity": alert.severity,
        "owner": alert.owner,
        "since": since and since.isoformat(),
        "noticed at": alert.ts.isoformat(),
        "before": alert.before and _summary(alert.before),
        "after": alert.after and _summary(alert.after),
        "contributors": together,
        "detector": alert.detector,
        "runbook": alert.runbook,
        "incident": alert.incident_id,
        "source": f"{alert.source.topic}-{alert.source.partition} offset {alert.source.offset}",
    }
    return {name: value for name, value in known.items() if value}


def runbook_url(alert: AlertEvent) -> str | None:
    """Return the runbook, if it is a link."""
    return alert.runbook if alert.runbook and alert.runbook.startswith(_WEB) else None


def _summary(values: Summary) -> str:
    mean = "" if values.mean is None else f", mean {values.mean:.6g}"
    std = "" if values.std is None else f", standard deviation {values.std:.6g}"
    return f"{values.n} values{mean}{std}"
