"""Rules by which an incident becomes more severe."""

from datetime import timedelta
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from streamproc.config.inhibit import problems_of
from streamproc.config.matchers import Matcher, MatcherText, parse_matcher
from streamproc.schemas.effect_size import MAX_SIZE
from streamproc.schemas.section import Section, refuse, refuse_if_any
from streamproc.schemas.units import Duration

MAX_MODELS: Final = 200
"""Of an incident: it has no more members."""


class EscalationRule(Section):
    """When an incident that matches rises by one step of severity, once, and pages again.

    Examples
    --------
    >>> EscalationRule.model_validate({"match": ["owner = risk"], "after": "30m"}).models is None
    True
    """

    match: Annotated[
        tuple[MatcherText, ...],
        Field(
            strict=False,
            max_length=32,
            description="Conditions as in `routes[].match` but without `segment.<tag>`; the first"
            " rule that matches a series of an incident counts.",
            examples=[["severity = warning", "owner = risk-oncall"]],
        ),
    ] = ()
    after: Annotated[
        Duration | None,
        Field(
            ge=timedelta(minutes=1),
            description="It rises if nobody has acknowledged it for so long after its last page."
            " null: never.",
            examples=["30m"],
        ),
    ] = None
    open_for: Annotated[
        Duration | None,
        Field(
            ge=timedelta(minutes=1),
            description="It rises if it is still open so long after it was opened, acknowledged or"
            " not; neither settled, silenced nor inhibited. null: never.",
            examples=["1d"],
        ),
    ] = None
    size: Annotated[
        float | None,
        Field(
            gt=0,
            le=MAX_SIZE,
            description="It rises if a series of numbers moved so far, in the standard deviations"
            " that it had before. null: never.",
            examples=[20.0],
        ),
    ] = None
    share: Annotated[
        float | None,
        Field(
            gt=0,
            le=1,
            description="It rises if this share of the models that `models[]` names by their ids,"
            " and that match conditions on `model` and `owner`, have it at once: at least three"
            " models. null: never.",
            examples=[0.5],
        ),
    ] = None
    models: Annotated[
        int | None,
        Field(
            ge=2,
            le=MAX_MODELS,
            description="It rises if at least this number of models have it at once. null: never.",
            examples=[10],
        ),
    ] = None

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        """The parsed conditions."""
        return tuple(map(parse_matcher, self.match))

    @model_validator(mode="after")
    def _can_apply(self) -> Self:
        """Refuse a rule without a limit, and conditions that no incident can meet."""
        if {self.after, self.open_for, self.size, self.share, self.models} == {None}:
            others = "`open_for`, `size`, `share` or `models`"
            refuse((("after",), f"expected this, {others}: nothing makes the incident rise"))
        refuse_if_any(problems_of("match", self.matchers))
        return self


DEFAULT_RULES: Final = (EscalationRule(match=("severity = warning",), models=10, share=0.5),)
"""A fault in ten models, or in half of them, is one upstream; whoever is paged by `critical` has to
hear of it."""
