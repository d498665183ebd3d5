"""Summarise what the columns of a file were taken for."""

from collections.abc import Sequence

from streamproc.cli.columns import Roles
from streamproc.cli.row_events import RowReader
from streamproc.terminal import count


def summary(reader: RowReader, roles: Roles) -> str:
    """Return one line about what the columns were taken for."""
    kinds, by_kind, parts = reader.kinds, dict[str, list[str]](), list[str]()
    for column in (*roles.features, *reader.later):
        by_kind.setdefault(kinds.kind(column), []).append(column)
    if by_kind:
        features = "; ".join(f"{_some(names)} ({kind})" for kind, names in by_kind.items())
        parts.append(f"features: {features}")
    named = (("prediction", roles.prediction), ("label", roles.label))
    parts += [f"{role}: {name} ({kinds.kind(name)})" for role, name in named if name is not None]
    if roles.ts is not None:
        forms = ", ".join(reader.times.taken) or kinds.kind(roles.ts)
        parts.append(f"ts: {roles.ts} ({forms})")
    parts.append(f"event_id: {roles.identity or 'row number'}")
    if reader.later:
        parts.append(f"in later rows alone: {_some(tuple(reader.later))}")
    if reader.unreadable:
        lost = [f"{name} in {count(rows, 'row')}" for name, rows in reader.unreadable.items()]
        parts.append(f"missing, since not a list of numbers: {_some(lost)}")
    if roles.left_out:
        parts.append(f"left out: {_some(roles.left_out)}")
    return "taken as " + "; ".join(parts)


def _some(names: Sequence[str], at_most: int = 8) -> str:
    more = len(names) - at_most
    return ", ".join(names[:at_most]) + (f" and {more} more" if more > 0 else "")
