"""What a model has learned, in the plain forms that the docs describe."""

from typing import Any

from streamproc.models.classes import Classes
from streamproc.models.contestant import Contestant
from streamproc.models.linear import Linear


def plain(contestant: Contestant, classes: Classes) -> dict[str, Any] | None:
    """Give the parameters of a model; None when it has no plain form."""
    engine = contestant.engine
    if isinstance(engine, Linear):
        return {"form": "pipeline", "steps": engine.parameters(classes.texts)}
    return None
