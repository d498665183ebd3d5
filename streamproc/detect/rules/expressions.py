"""Evaluate the expression of a rule over the columns of a slice."""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, Final

import numpy as np

from streamproc.config.expression_nodes import (
    And,
    Condition,
    Constant,
    Membership,
    Negative,
    Not,
    Or,
    Reference,
    Value,
)
from streamproc.decode.matrix import Floats
from streamproc.detect.rules.columns import Bools, RuleColumns, Texts

_OPERATORS: Final[Mapping[str, Callable[..., Any]]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.mod,
}


def holds(condition: Condition, columns: RuleColumns) -> Bools:
    """Return (events,): whether a condition holds, where all of its names have a value.

    Numbers are 64-bit floats: a division by zero is infinite or not a number, and a comparison with
    what is not a number is false, unless it is `!=`.
    """
    with np.errstate(all="ignore"):
        return _holds(condition, columns)


def present(references: tuple[Reference, ...], columns: RuleColumns) -> Bools:
    """Return (events,): whether all of some names have a value."""
    found: Bools | None = None
    for each in references:
        there = _present(each, columns)
        found = there if found is None else found & there
    return np.ones(len(columns), np.bool_) if found is None else found


def _present(of: Reference, columns: RuleColumns) -> Bools:
    found: Bools = columns.texts(of) != None if of.text else ~np.isnan(columns.numbers(of))  # noqa: E711  by element
    return found


def _holds(node: Condition, columns: RuleColumns) -> Bools:
    if isinstance(node, Not):
        return ~_holds(node.condition, columns)
    if isinstance(node, And | Or):
        join = np.logical_and if isinstance(node, And) else np.logical_or
        return reduce(join, (_holds(part, columns) for part in node.parts))
    if isinstance(node, Membership):
        return _is_among(node, columns)
    left, right = _value(node.left, columns), _value(node.right, columns)
    found = np.empty(len(columns), np.bool_)
    found[:] = _OPERATORS[node.operator](left, right)
    return found


def _is_among(node: Membership, columns: RuleColumns) -> Bools:
    values: Any = _value(node.value, columns)
    found = np.empty(len(columns), np.bool_)
    if isinstance(node.among[0], str):
        among = frozenset(node.among)
        found[:] = [value in among for value in values]
    else:
        found[:] = np.isin(values, np.array(node.among, np.float64))
    return ~found if node.negated else found


def _value(node: Value, columns: RuleColumns) -> Floats | Texts | float | str:
    if isinstance(node, Reference):
        return columns.texts(node) if node.text else columns.numbers(node)
    if isinstance(node, Constant):
        return node.value
    if isinstance(node, Negative):
        found: Floats = np.negative(_value(node.value, columns))
        return found
    operator = _OPERATORS[node.operator]
    result: Floats = operator(_value(node.left, columns), _value(node.right, columns))
    return result
