"""Rules by which an open incident hides others, as Alertmanager's inhibition rules."""

from collections.abc import Sequence
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from streamproc.config.matchers import LABELS, SEGMENT, Label, Matcher, MatcherText, parse_matcher
from streamproc.config.reachability import excludes_itself
from streamproc.schemas.section import Path, Section, refuse_if_any


class InhibitRule(Section):
    """While a source is open, targets with equal labels page nobody.

    Examples
    --------
    >>> rule = {"source": ["kind = silence"], "target": ["kind = data"]}
    >>> InhibitRule.model_validate(rule).equal
    ('model',)
    """

    source: Annotated[
        tuple[MatcherText, ...],
        Field(
            strict=False,
            min_length=1,
            max_length=32,
            description="Conditions on what hides others, as in `routes[].match` but without"
            " `segment.<tag>`.",
            examples=[["kind = silence"]],
        ),
    ]
    target: Annotated[
        tuple[MatcherText, ...],
        Field(
            strict=False,
            min_length=1,
            max_length=32,
            description="Conditions on what is hidden. What meets both lists is not hidden.",
            examples=[['kind =~ "data|prediction"']],
        ),
    ]
    equal: Annotated[
        tuple[Label, ...],
        Field(
            strict=False,
            max_length=len(LABELS),
            description="Labels that source and target have in common. A source about all models"
            " (`*`) hides those of its partition.",
            examples=[["model"]],
        ),
    ] = ("model",)

    @property
    def source_matchers(self) -> tuple[Matcher, ...]:
        """The parsed conditions of the source."""
        return tuple(map(parse_matcher, self.source))

    @property
    def target_matchers(self) -> tuple[Matcher, ...]:
        """The parsed conditions of the target."""
        return tuple(map(parse_matcher, self.target))

    @model_validator(mode="after")
    def _can_apply(self) -> Self:
        """Refuse conditions on labels that incidents do not have, and those that never hold."""
        source = problems_of("source", self.source_matchers)
        refuse_if_any([*source, *problems_of("target", self.target_matchers)])
        return self


def problems_of(key: str, matchers: Sequence[Matcher]) -> list[tuple[Path, str]]:
    """Return what is wrong with conditions on the series of an incident."""
    problems: list[tuple[Path, str]] = [
        ((key, place), "incidents have no segments; match another label")
        for place, matcher in enumerate(matchers)
        if matcher.label.startswith(SEGMENT)
    ]
    if excludes_itself(matchers):
        problems.append(((key,), "matches nothing: the conditions exclude each other"))
    return problems


_DRIFT: Final = 'kind =~ "data|prediction|concept|performance|quality"'

DEFAULT_RULES: Final = (
    InhibitRule(source=("kind = silence",), target=(_DRIFT,)),
    InhibitRule(source=("detector = state_gap",), target=(_DRIFT,)),
    InhibitRule(
        source=("detector = labels_not_joined",), target=('kind =~ "concept|performance"',)
    ),
)
"""A model that is silent, that had to start again, or without labels is not judged by its drift."""
