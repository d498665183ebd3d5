"""Collect the predictions of each model version in windows, from which its error is estimated.

The estimate needs predictions without their labels, and how far the logs of both are read at a
moment is not recorded. So the join writes the predictions to `outcomes`, one record for each
window, and whoever reads that log finds them at one place among the labels.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from streamproc.schemas.version_key import MAX_VERSIONS

SIZE: Final = 100
"""Predictions in a window: a record of 2 kB, about as much as four labelled outcomes."""
MAX_TEXT: Final = 255
"""Maximum length of a class in a window; a prediction of a longer one is not in it."""

Prediction = float | bool | str | dict[str, float] | None
"""A prediction; of class probabilities only the most probable class with its probability."""

Window = list[Prediction]

Tags = dict[str, str]
"""The tags of a prediction that define its segments."""

TagColumns = dict[str, list[str | None]]
"""Tag → its value for each prediction of a window; None without one."""


def shortened(prediction: Any) -> Prediction:
    """Return a prediction as a window has it; None if it is not in one.

    Examples
    --------
    >>> shortened({"cat": 0.7, "dog": 0.2, "bird": 0.1}), shortened(0.93), shortened("x" * 256)
    ({'cat': 0.7}, 0.93, None)
    """
    if prediction.__class__ is float:
        return float(prediction)
    if isinstance(prediction, Mapping):
        if not prediction:
            return None
        first = max(prediction, key=prediction.__getitem__)
        return {first: prediction[first]} if len(first) <= MAX_TEXT else None
    if isinstance(prediction, str) and len(prediction) > MAX_TEXT:
        return None
    found: Prediction = prediction
    return found


def collect(
    recent: dict[str | None, Window], version: str | None, prediction: Prediction
) -> Window | None:
    """Add the next prediction of a version; return its window if that is full.

    Parameters
    ----------
    recent
        The windows of a model's versions, least recently used first; updated in place. Of more than
        `MAX_VERSIONS` the first is dropped.
    version
        The version; None for events without one.
    prediction
        From `shortened`.

    Examples
    --------
    >>> recent = {}
    >>> found = [collect(recent, "7", 0.5) for _ in range(2 * SIZE)]
    >>> [len(window) for window in found if window is not None], recent
    ([100, 100], {'7': []})
    """
    window = recent.pop(version, None)
    if window is None:
        window = []
        if len(recent) >= MAX_VERSIONS:
            del recent[next(iter(recent))]
    window.append(prediction)
    if len(window) < SIZE:
        recent[version] = window
        return None
    recent[version] = []
    return window


def collect_tags(
    recent: dict[str | None, list[Tags]],
    version: str | None,
    tags: Mapping[str, str] | None,
    names: Sequence[str],
    size: int,
) -> TagColumns:
    """Add the tags of the next prediction of a version; return those of its window if it is full.

    Parameters
    ----------
    recent
        The tags of the predictions in the windows of `collect`; updated in place.
    version
        The version.
    tags
        Of the event. A value of more than `MAX_TEXT` characters is left out.
    names
        Tags by which the model is watched.
    size
        Predictions in the window, with this one: those that were collected before `names` were
        configured have no tags.

    Examples
    --------
    >>> tags, names, recent = {"region": "eu", "user": "u1"}, ("region",), {}
    >>> found = [collect_tags(recent, "7", tags, names, size) for size in range(1, SIZE + 1)]
    >>> found[0], found[-1] == {"region": ["eu"] * SIZE}
    ({}, True)
    """
    if not names:
        recent.clear()
        return {}
    found = recent.pop(version, [])
    if len(found) != size - 1:
        found = [*found[: size - 1], *({} for _ in range(size - 1 - len(found)))]
    of_event: Tags = {}
    if tags:
        for name in names:
            value = tags.get(name)
            if value is not None and len(value) <= MAX_TEXT:
                of_event[name] = value
    found.append(of_event)
    if size < SIZE:
        if len(recent) >= MAX_VERSIONS:
            del recent[next(iter(recent))]
        recent[version] = found
        return {}
    return {
        name: [each.get(name) for each in found]
        for name in names
        if any(name in each for each in found)
    }
