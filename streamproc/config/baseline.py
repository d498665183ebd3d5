"""The plain heuristic that a production model has to beat."""

from typing import Annotated, Literal

from pydantic import Field

from streamproc.schemas.events import FeatureName, Scalar
from streamproc.schemas.section import Section

Heuristic = Literal["majority", "last", "mean"]
"""A heuristic that looks at labels alone."""


class Rule(Section):
    """An answer that depends on one number: what somebody would do without a model.

    Examples
    --------
    >>> Rule(feature="amount", above=1000.0, then=True, otherwise=False).answer(1200.0)
    True
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

    def answer(self, value: float | None) -> bool | float | str:
        """Give the answer for a value of the feature; None: missing."""
        return self.then if value is not None and value > self.above else self.otherwise


Floor = Heuristic | Rule
"""What a model has to beat."""
