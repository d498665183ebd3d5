"""The heuristic that a model has to beat, in production or online."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AliasChoices, Field

from streamproc.schemas.events import FeatureName, Scalar
from streamproc.schemas.section import Section

Heuristic = Literal["majority", "last", "mean"]
"""A heuristic that looks at labels alone."""


class Rule(Section):
    """An answer that depends on one number: what somebody would do without a model.

    Examples
    --------
    >>> rule = Rule(feature="amount", above=1000.0, then=True, otherwise=False)
    >>> rule.applies({"amount": 1200}), rule.applies({}), rule.applies({"amount": "high"})
    (True, False, False)
    """

    feature: Annotated[FeatureName, Field(description="A numeric feature.", examples=["amount"])]
    above: Annotated[float, Field(description="The limit.", examples=[1000.0])]
    then: Annotated[
        Scalar, Field(description="The answer above the limit.", examples=[True, "cat", 1.5])
    ]
    otherwise: Annotated[
        Scalar,
        Field(
            description="Answer otherwise, and when the feature is missing.",
            examples=[False, "dog", 0],
        ),
    ]

    def applies(self, features: Mapping[str, Any] | None) -> bool:
        """Whether the feature is a number above the limit."""
        value = (features or {}).get(self.feature)
        return isinstance(value, int | float) and value > self.above


Baseline = Heuristic | Rule
"""What a model has to beat."""
KEY: Final = AliasChoices("baseline", "floor")
"""Keys of the configuration; the second is that of earlier versions."""


def default_baseline(task: str) -> Heuristic:
    """Return the heuristic for a task where the configuration has none."""
    return "mean" if task == "regression" else "majority"
