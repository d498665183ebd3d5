"""Matchers of routes, in Alertmanager's notation: ``owner = risk`` or ``kind =~ "data|rule"``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, Field

from streamproc.schemas.label_values import unknown_value
from streamproc.schemas.section import refuse

Label = Literal["model", "owner", "severity", "kind", "detector", "series", "feature"]
LABELS: Final[tuple[Label, ...]] = get_args(Label)
SEGMENT: Final = "segment."
_OF_A_FEATURE: Final = frozenset({"feature", "quality"})
_FORM: Final = re.compile(r"\s*([A-Za-z_][^\s=!~]*)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label of an alert.

    Parameters
    ----------
    label
        One of `LABELS`, or ``segment.`` and a tag.
    operator
        ``=``, ``!=``, ``=~`` or ``!~``; regular expressions have to match the whole value.
    value
        What the label is compared with.
    """

    label: str
    operator: str
    value: str

    def accepts(self, value: str) -> bool:
        """Whether a value of the label matches."""
        if self.operator in ("=", "!="):
            return (value == self.value) == (self.operator == "=")
        found = _compiled(self.value).fullmatch(value) is not None
        return found == (self.operator == "=~")

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels match; a label that is missing has the value ``""``."""
        return self.accepts(labels.get(self.label, ""))

    def __str__(self) -> str:
        return f"{self.label} {self.operator} {self.value or chr(34) * 2}"


def labels_of_series(
    *, model: str, owner: str | None, severity: str, kind: str, detector: str, series: str
) -> dict[str, str]:
    """Return the `LABELS` of an alert, or of a series of an incident.

    `feature` is the name of the feature whose values or missing values the series is about.

    Examples
    --------
    >>> of = {"model": "m", "owner": None, "severity": "info", "kind": "data", "detector": "adwin"}
    >>> [labels_of_series(**of, series=name)["feature"] for name in ("quality:age", "prediction")]
    ['age', '']
    """
    head, _, name = series.partition(":")
    return {
        "model": model,
        "owner": owner or "",
        "severity": severity,
        "kind": kind,
        "detector": detector,
        "series": series,
        "feature": name if head in _OF_A_FEATURE else "",
    }


@lru_cache(maxsize=1000)
def parse_matcher(text: str) -> Matcher:
    """Parse a matcher.

    Raises
    ------
    ValueError
        If it is not one; the message names what is expected.

    Examples
    --------
    >>> parse_matcher('owner =~ "risk|fraud"')
    Matcher(label='owner', operator='=~', value='risk|fraud')
    >>> parse_matcher("segment.region=eu").matches({"segment.region": "eu"})
    True
    """
    form = _FORM.fullmatch(text)
    if form is None:
        raise ValueError('expected a label, one of = != =~ !~ and a value: owner =~ "risk|fraud"')
    label, operator, value = form.groups()
    if label not in LABELS and not (label.startswith(SEGMENT) and len(label) > len(SEGMENT)):
        known = ", ".join(LABELS)
        raise ValueError(f"unknown label `{label[:60]}`; expected {known} or {SEGMENT}<tag>")
    matcher = Matcher(label, operator, _unquoted(value))
    if "~" in operator:
        _compiled(matcher.value)
    return matcher


def _checked(text: str) -> str:
    try:
        matcher = parse_matcher(text)
    except ValueError as error:
        refuse(((), str(error)))
    named = replace(matcher, operator="=~" if "~" in matcher.operator else "=")
    problem = unknown_value(matcher.label, matcher.value, named.accepts)
    if problem is not None:
        refuse(((), problem))
    return text


MatcherText = Annotated[str, AfterValidator(_checked), Field(max_length=2_000)]
"""A matcher in a configuration."""


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        if value.endswith('"'):
            raise ValueError("the value has a quotation mark at its end only")
        return value
    if len(value) < 2 or not value.endswith('"'):
        raise ValueError("the value has a quotation mark at its start only")
    return re.sub(r'\\(["\\])', r"\1", value[1:-1])


@lru_cache(maxsize=1000)
def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error as error:
        raise ValueError(f"the regular expression is not valid: {error}") from None
