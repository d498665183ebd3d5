"""The sentence of an alert about categories: whose share changed, from what to what."""

from collections.abc import Callable, Mapping

from streamproc.detectors.series.category_counts import ShareChange

MAX_NAMED = 3
"""Categories that a sentence names."""
MIN_SHARE = 0.2
"""Part of the largest move below which others are not worth a word."""

Name = Callable[[float], str]


def change(found: ShareChange, name: Name) -> str:
    """Say whose shares changed most, and which values are new.

    Parameters
    ----------
    found
        The change; `before` and `after` have the same categories.
    name
        Turns a category into its text.
    """
    was, now = found.before.shares, found.after.shares
    new = [key for key in now if was[key] == 0.0 and now[key] > 0.0]
    moves = {key: now[key] - was[key] for key in was if was[key] > 0.0}
    largest = max(map(abs, moves.values()), default=0.0)
    others = found.after.rest - found.before.rest
    parts = [
        f"share of {name(key)!r} {_moved(was[key], now[key])}"
        for key in sorted(moves, key=lambda key: -abs(moves[key]))[:MAX_NAMED]
        if abs(moves[key]) > MIN_SHARE * max(largest, abs(others))
    ]
    if abs(others) > MIN_SHARE * largest:
        parts.append(f"share of all others {_moved(found.before.rest, found.after.rest)}")
    if new:
        often = max(new, key=lambda key: now[key])
        share = _percent(sum(now[key] for key in new))
        parts.append(f"values not seen before make {share}, such as {name(often)!r}")
    return ", ".join(parts) or "its rare values changed"


def unseen(found: ShareChange, name: Name) -> str:
    """Say that a value which a series had never had comes often now; it is all that is known."""
    (key, share), *_ = found.after.shares.items()
    return f"{name(key)!r}, not seen in {found.before.n} values before, makes {_percent(share)}"


def frequent(shares: Mapping[str, float]) -> str:
    """Name the most frequent values, and the share of each."""
    top = sorted(shares, key=lambda name: -shares[name])[:MAX_NAMED]
    return ", ".join(f"{_percent(shares[name])} {name!r}" for name in top)


def _moved(was: float, now: float) -> str:
    verb = "rose" if now > was else "fell"
    return f"{verb} from {_percent(was)} to {_percent(now)}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
