"""Convert features to River's form, and labels to the form of the model's task."""

from collections.abc import Mapping
from typing import Any, Final

from streamproc.decode.lenient_numbers import as_number
from streamproc.performance.losses import is_positive
from streamproc.schemas.class_names import class_key

Inputs = dict[str, float | str]
"""Feature → number, or a text for models that work on texts."""


def inputs(features: Mapping[str, Any] | None, *, texts: bool) -> Inputs:
    """Turn the features of an event into what a River model takes.

    Parameters
    ----------
    features
        As the event has them.
    texts
        Whether texts mean something to the model; they are left out if not.

    Returns
    -------
    dict
        Booleans are 0 or 1; an embedding `e` becomes `e[0]`, `e[1]`, …; null is left out.

    Examples
    --------
    >>> inputs({"amount": 12.5, "new": True, "age": None, "e": [0.1, 0.2]}, texts=False)
    {'amount': 12.5, 'new': 1.0, 'e[0]': 0.1, 'e[1]': 0.2}
    """
    found: Inputs = {}
    for name, value in (features or {}).items():
        kind = value.__class__
        if kind is float:
            found[name] = value
        elif kind is bool or kind is int:
            found[name] = float(value)
        elif kind is list:
            for place, item in enumerate(value):
                found[f"{name}[{place}]"] = float(item)
        elif kind is str and texts:
            found[name] = value
    return found


def truth(label: Any, task: str, positive: str | None = None) -> Any:
    """Turn a label into what a model of a task learns; None when it does not fit the task.

    `positive` is the label of the positive class of a binary task, if it is not true or 1.

    Classes are compared as production's are, by `streamproc.schemas.class_names.class_key`.

    Examples
    --------
    >>> truth(1.0, "binary"), truth(1.0, "multiclass"), truth(1.0, "regression")
    (True, '1', 1.0)
    >>> truth("True", "binary"), truth("True", "multiclass")
    (True, '1')
    >>> truth("cat", "binary") is None, truth("cat", "binary", "cat"), truth("12.5", "regression")
    (True, True, 12.5)
    """
    if label is None:
        return None
    if task == "multiclass":
        return class_key(label)
    if task == "binary":
        return _BINARY.get(class_key(label)) if positive is None else is_positive(label, positive)
    return as_number(label) if isinstance(label, str) else float(label)


_BINARY: Final = {"1": True, "0": False}
