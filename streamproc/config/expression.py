"""Parse the expression of a rule, such as ``age >= 18 and amount < 10 * limit``.

The grammar is a part of Python's: comparisons, `and`, `or`, `not`, arithmetic, numbers, texts in
quotes, and names of features, `prediction` and tags. Python's own parser reads it, and every node
that is not in the grammar is refused, so nothing of an expression is ever executed as Python.
"""

import ast
import math
import re
from collections.abc import Mapping
from keyword import iskeyword
from typing import Any, Final
from warnings import catch_warnings

from streamproc.config.expression_nodes import (
    And,
    Arithmetic,
    Comparison,
    Condition,
    Constant,
    Membership,
    Negative,
    Not,
    Or,
    Origin,
    Reference,
    Value,
)

MAX_LENGTH: Final = 1000
_ARITHMETIC: Final[Mapping[type, str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Mod: "%",
}
_COMPARISONS: Final[Mapping[type, str]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_MEMBERSHIPS: Final = (ast.In, ast.NotIn)
_EQUALITIES: Final = ("==", "!=")
_WORDS: Final = {"true": 1.0, "false": 0.0}
_ORIGINS: Final[Mapping[str, Origin]] = {
    "feature": "feature",
    "tags": "tag",
    "prediction": "class",
}
_GRAMMAR: Final = (
    "expected comparisons, `and`, `or`, `not`, `in (…)`, + - * / %, numbers, texts in quotes, and"
    ' names of features, `prediction`, `tags.<name>`, or `feature["<name>"]`'
)


class ExpressionError(ValueError):
    """An expression that is not in the grammar; the message names the character, from 1."""


def parse(text: str) -> Condition:
    """Parse an expression.

    Parameters
    ----------
    text
        The expression; line breaks count as spaces.

    Returns
    -------
    Condition
        What has to hold.

    Raises
    ------
    ExpressionError
        If it is not in the grammar, compares a text with a number, or uses one name as both.

    Examples
    --------
    >>> parse("amount < 10 * limit").references()
    (Reference(origin='feature', name='amount', text=False),\
 Reference(origin='feature', name='limit', text=False))
    >>> parse("amount <")
    Traceback (most recent call last):
        ...
    streamproc.config.expression.ExpressionError: at character 9: invalid syntax
    """
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        line = text.replace("\r", " ").replace("\n", " ").replace("\t", " ")
        self._text = line.lstrip(" ")
        self._before = len(line) - len(self._text)
        self._is_text: dict[tuple[Origin, str], bool] = {}

    def parse(self) -> Condition:
        if len(self._text) > MAX_LENGTH:
            raise ExpressionError(f"has more than {MAX_LENGTH} characters")
        try:
            with catch_warnings(action="ignore"):  # of a backslash in a text
                tree = ast.parse(self._text, mode="eval")
            condition = self._condition(tree.body)
        except SyntaxError as error:
            raise ExpressionError(self._syntax(error)) from None
        except (RecursionError, MemoryError):
            raise ExpressionError("is nested too deeply") from None
        except ExpressionError:
            raise
        except ValueError as error:  # a null byte
            raise ExpressionError(str(error)) from None
        if not condition.references():
            raise ExpressionError("names no feature, prediction or tag: it is always the same")
        return condition

    def _syntax(self, error: SyntaxError) -> str:
        """Say where Python's parser stopped; it names no place at the end of the text."""
        place = error.offset or len(self._text) + 1
        word = re.match(r"\w*", self._text[place - 1 :])
        hint = ""
        if word is not None and iskeyword(word[0]):
            hint = f'; `{word[0]}` cannot be a name: write feature["{word[0]}"] for a feature'
        return f"at character {self._before + place}: {error.msg}{hint}"

    def _refuse(self, node: ast.AST, message: str) -> ExpressionError:
        before = self._text.encode()[: getattr(node, "col_offset", 0)]
        column = self._before + len(before.decode(errors="replace")) + 1
        return ExpressionError(f"at character {column}: {message}")

    def _condition(self, node: ast.expr) -> Condition:
        if isinstance(node, ast.BoolOp):
            parts = tuple(self._condition(part) for part in node.values)
            return And(parts) if isinstance(node.op, ast.And) else Or(parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return Not(self._condition(node.operand))
        if isinstance(node, ast.Compare):
            return self._compare(node)
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            reference = self._reference(node)
            if isinstance(reference, Reference):  # true or false as it is
                self._use(node, reference, text=False)
                return Comparison("!=", reference, Constant(0.0))
        raise self._refuse(node, f"expected a condition, such as a comparison; {_GRAMMAR}")

    def _compare(self, node: ast.Compare) -> Condition:
        parts: list[Condition] = []
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, _MEMBERSHIPS):
                parts.append(self._member(left, right, negated=isinstance(operator, ast.NotIn)))
            elif type(operator) in _COMPARISONS:
                parts.append(self._pair(_COMPARISONS[type(operator)], left, right))
            else:
                raise self._refuse(right, "`is` is not known: write == or !=")
            left = right
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _pair(self, operator: str, left: ast.expr, right: ast.expr) -> Comparison:
        if self._means_text(left) or self._means_text(right):
            if operator not in _EQUALITIES:
                raise self._refuse(right, f"texts have no order: expected == or !=, not {operator}")
            return Comparison(operator, self._text_of(left), self._text_of(right))
        return Comparison(operator, self._number(left), self._number(right))

    def _member(self, left: ast.expr, right: ast.expr, *, negated: bool) -> Membership:
        if not isinstance(right, ast.Tuple | ast.List | ast.Set) or not right.elts:
            raise self._refuse(right, "expected a list of constants, such as ('DE', 'FR')")
        is_text = [
            isinstance(each, ast.Constant) and isinstance(each.value, str) for each in right.elts
        ]
        if all(is_text):
            values = tuple(self._text_of(each) for each in right.elts)
            value: Value = self._text_of(left)
        else:
            values = tuple(self._number(each) for each in right.elts)
            value = self._number(left)
        constants = [each.value for each in values if isinstance(each, Constant)]
        if len(constants) < len(values):
            raise self._refuse(right, "expected a list of constants, such as ('DE', 'FR')")
        return Membership(value, tuple(constants), negated=negated)

    def _means_text(self, node: ast.expr) -> bool:
        """Whether what stands there can only be a text."""
        if isinstance(node, ast.Constant):
            return isinstance(node.value, str)
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            reference = self._reference(node)
            return isinstance(reference, Reference) and reference.origin == "tag"
        return False

    def _text_of(self, node: ast.expr) -> Value:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return Constant(node.value)
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            reference = self._reference(node)
            if isinstance(reference, Reference):
                self._use(node, reference, text=True)
                return reference._replace(text=True)
        raise self._refuse(node, "a text can only be compared with a text in quotes")

    def _number(self, node: ast.expr) -> Value:
        if isinstance(node, ast.Constant):
            return self._constant(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            operand = self._number(node.operand)
            if isinstance(node.op, ast.UAdd):
                return operand
            if isinstance(operand, Constant) and isinstance(operand.value, float):
                return Constant(-operand.value)
            return Negative(operand)
        if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            operator = _ARITHMETIC[type(node.op)]
            return Arithmetic(operator, self._number(node.left), self._number(node.right))
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            reference = self._reference(node)
            if isinstance(reference, Reference):
                self._use(node, reference, text=False)
            return reference
        raise self._refuse(node, f"is not in the grammar; {_GRAMMAR}")

    def _constant(self, node: ast.Constant) -> Constant:
        if isinstance(node.value, bool | int | float):
            try:
                value = float(node.value)
            except OverflowError:
                value = math.inf
            if math.isfinite(value):
                return Constant(value)
        raise self._refuse(node, "expected a finite number, or a text in quotes")

    def _reference(self, node: ast.Name | ast.Attribute | ast.Subscript) -> Reference | Constant:
        if isinstance(node, ast.Name):
            if node.id in _WORDS:
                return Constant(_WORDS[node.id])
            if node.id == "prediction":
                return Reference("prediction", "prediction")
            if node.id in _ORIGINS:
                raise self._refuse(node, f'`{node.id}` needs a name: write {node.id}["<name>"]')
            return Reference("feature", node.id)
        if not isinstance(node.value, ast.Name) or node.value.id not in _ORIGINS:
            raise self._refuse(node, f"is not in the grammar; {_GRAMMAR}")
        origin = _ORIGINS[node.value.id]
        if isinstance(node, ast.Attribute):
            name: Any = node.attr
        else:
            name = getattr(node.slice, "value", None)
        if not isinstance(name, str) or not name:
            raise self._refuse(node, f'expected a name in quotes: {node.value.id}["<name>"]')
        return Reference(origin, name, text=origin == "tag")

    def _use(self, node: ast.expr, reference: Reference, *, text: bool) -> None:
        """Note how a name is used; refuse another use of it."""
        if reference.origin == "tag" and not text:
            raise self._refuse(node, "tags are texts: compare them with texts in quotes")
        if reference.origin == "class" and text:
            raise self._refuse(node, "the prediction of a class is a number, not a text")
        if self._is_text.setdefault((reference.origin, reference.name), text) != text:
            raise self._refuse(node, f"{reference.name!r} is used as a text and as a number")
