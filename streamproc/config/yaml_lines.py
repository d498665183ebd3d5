"""YAML read so that every value remembers its line."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from streamproc.schemas.section import Path

# A configuration of a thousand models is 100 kB; the scanner needs some 10 s for this much.
MAX_TEXT_LENGTH: Final = 1_048_576
# Aliases may name a value again and again: "a: &a [...]", "b: &b [*a, *a, …]" and so on would
# grow to billions of values from ten lines.
MAX_VALUES: Final = 100_000
# The deepest key, models[].watch[].detectors[].NAME.PARAMETER, lies at 8.
MAX_DEPTH: Final = 32
# Whatever its base, a number this short fits a float: no later sum overflows.
_MAX_NUMBER_LENGTH: Final = 200
_TAG: Final = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at a place of a document."""

    line: int
    path: Path
    message: str


class DocumentError(Exception):
    """The text is not a YAML document that can be validated further."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Document:
    """Plain values, the line of each, counted from 1, and what was wrong in the writing."""

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def parse_document(text: str) -> Document:
    """Read one YAML document with the scalars of YAML 1.2's core schema.

    So ``on`` and ``no`` are texts, as is ``12:30``, and ``1e5`` is a number; with YAML 1.1 the
    key ``on:`` of the contract would be read as ``true``.

    Parameters
    ----------
    text : str
        At most 1 MiB.

    Returns
    -------
    Document
        Its value is None for an empty text. Its problems include duplicate keys and keys that
        are not texts; the other values can be validated nonetheless.

    Raises
    ------
    DocumentError
        If the text is ambiguous or too large: bad syntax, too long, too deep, or too many values
        once the aliases are followed.
    """
    if len(text) > MAX_TEXT_LENGTH:
        raise DocumentError(Problem(1, (), f"is longer than {MAX_TEXT_LENGTH} characters"))
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise DocumentError(_syntax_problem(error)) from None  # the cause quotes the text
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise DocumentError(Problem(line, (), "has a character that YAML forbids")) from None
    except RecursionError:
        raise DocumentError(Problem(1, (), _TOO_DEEP)) from None
    if root is None or (root.tag == f"{_TAG}null" and not root.value):
        return Document()  # nothing, or nothing but the marker of a document's start
    return _Reading().document(root)


_TOO_DEEP: Final = f"is nested deeper than {MAX_DEPTH} levels"


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with YAML 1.2's core schema in place of 1.1's."""


_Loader.yaml_implicit_resolvers = {}

_BOOLS: Final = {"true": True, "True": True, "TRUE": True}
_BOOLS.update({"false": False, "False": False, "FALSE": False})


def _integer(text: str) -> int:
    if text.startswith(("0o", "0x")):
        return int(text, 0)
    return int(text)


def _real(text: str) -> float:
    return float(re.sub(r"\.(?=[iInN])", "", text))  # Python writes .inf as inf


_REAL: Final = (
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_SCALARS: Final[dict[str, tuple[str, str, Callable[[str], Any]]]] = {
    "null": (r"~|null|Null|NULL|", "~nN", lambda _: None),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF", lambda text: _BOOLS[text]),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789", _integer),
    "float": (_REAL, "-+.0123456789", _real),
    "str": (r"(?!)", "", str),
}
for _name, (_pattern, _first, _) in _SCALARS.items():
    if _first:
        _starts = [*_first, ""] if _name == "null" else [*_first]
        _Loader.add_implicit_resolver(f"{_TAG}{_name}", re.compile(rf"(?:{_pattern})\Z"), _starts)


def _syntax_problem(error: yaml.MarkedYAMLError) -> Problem:
    line = error.problem_mark.line + 1 if error.problem_mark else 1
    # Names in quotes come from the text, and might be a password that begins with * or !;
    # the parser's own tokens are single characters or stand in <>.
    reason = (error.problem or "cannot be read").replace(r"'\t'", "tab (indent with spaces)")
    reason = re.sub(r"'(?!<)[^']{2,}'", "a name", reason)
    return Problem(line, (), f"is not YAML: {reason}")


class _Reading:
    """One walk over the nodes of a document."""

    def __init__(self) -> None:
        self._lines: dict[Path, int] = {}
        self._problems: list[Problem] = []

    def document(self, root: yaml.Node) -> Document:
        value = self._value(root, ())
        return Document(value, self._lines, self._problems)

    def _value(self, node: yaml.Node, path: Path) -> Any:
        line = node.start_mark.line + 1
        self._lines.setdefault(path, line)
        if len(self._lines) > MAX_VALUES:
            raise DocumentError(Problem(line, path, f"has more than {MAX_VALUES} values"))
        if len(path) > MAX_DEPTH:
            raise DocumentError(Problem(line, (), _TOO_DEEP))
        if isinstance(node, yaml.MappingNode):
            return dict(self._items(node, path))
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, place)) for place, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _items(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = self._key(key_node, path)
            if key is None:
                continue
            if key in seen:
                message = f"is given twice, first on line {seen[key]}"
                self._problems.append(Problem(line, (*path, key), message))
                continue
            seen[key] = line
            self._lines[*path, key] = line
            yield key, self._value(value_node, (*path, key))

    def _key(self, node: yaml.Node, path: Path) -> str | None:
        line = node.start_mark.line + 1
        if node.tag != f"{_TAG}str" or not isinstance(node, yaml.ScalarNode):
            message = "has a key that is not a text: quote it if it is meant as one"
            self._problems.append(Problem(line, path, message))
            return None
        if node.value == "<<" and node.style is None:
            message = "merge keys (<<) are not supported: write the keys out"
            self._problems.append(Problem(line, path, message))
            return None
        return str(node.value)

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        line = node.start_mark.line + 1
        name = node.tag.removeprefix(_TAG)
        if name not in _SCALARS:
            self._problems.append(Problem(line, path, "has a tag (!…) that is not supported"))
            return None
        if name in {"int", "float"} and len(node.value) > _MAX_NUMBER_LENGTH:
            message = f"is a number of more than {_MAX_NUMBER_LENGTH} characters"
            self._problems.append(Problem(line, path, message))
            return None
        try:
            return _SCALARS[name][2](node.value)
        except (ValueError, KeyError):
            self._problems.append(Problem(line, path, f"is not of its tag's type, {name}"))
            return None
