"""Rules by which an incident becomes more severe."""

from datetime import timedelta
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from streamproc.config.inhibit import problems_of
from streamproc.config.matchers import Matcher, MatcherText, parse_matcher
from streamproc.schemas.section import Section, refuse, refuse_if_any
from streamproc.schemas.units import Duration


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
    models: Annotated[
        int | None,
        Field(
            ge=2,
            le=200,
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
        if self.after is None and self.models is None:
            refuse((("after",), "expected this or `models`: nothing makes the incident rise"))
        refuse_if_any(problems_of("match", self.matchers))
        return self


DEFAULT_RULES: Final = (EscalationRule(match=("severity = warning",), models=10),)
"""A fault in ten models is one upstream; whoever is paged by `critical` has to hear of it."""
