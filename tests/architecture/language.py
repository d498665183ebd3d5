"""Find words and idioms that this project replaced by the terms of docs/glossary.md.

``python tests/architecture/language.py`` lists every occurrence; with ``--write`` it lowers the
counts in ``language_baseline.json`` to those of today. They are never raised.
"""

import ast
import io
import json
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
BASELINE = Path(__file__).with_name("language_baseline.json")
# This checker, its tests and the page that names the replaced words.
EXEMPT = {"tests/architecture/language.py", "tests/architecture/test_language.py"}
SOURCES = ("detectors", "streamproc", "tests")
IDENTIFIERS = {"told", "said", "anew", "whose", "gone", "kept", "rest", "whole", "room"}
EXTREMES = re.compile(r"^_?(MOST|LEAST|LONGEST|SHORTEST|LARGEST|SMALLEST)(_|$)")
PROSE = re.compile(
    r"\b(?:told|said|anew|of (?:its|their|our|your) own|a moment ago|side by side|so many"
    r"|what came of|(?:is|are|was|were|be) had"
    r"|(?:is|are|was|were) no (?!longer\b|more\b|less\b|other\b|such\b|earlier\b|later\b)\w+)\b",
    re.IGNORECASE,
)


def identifiers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and name of each binding: definitions, parameters, variables, attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr
            case ast.alias(asname=str(name)):
                yield node.lineno, name


def texts(source: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and text of each comment, docstring and message."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def is_banned(name: str) -> bool:
    """Whether an identifier has a replaced word, or an extreme that is not called MAX or MIN."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return bool(EXTREMES.match(name) or IDENTIFIERS & {word.lower() for word in words})


def in_python(source: str) -> list[str]:
    """Return a line for each replaced word in a module."""
    tree = ast.parse(source)
    found = [(line, name) for line, name in identifiers(tree) if is_banned(name)]
    found += [
        (line, match.group())
        for line, text in texts(source, tree)
        for match in PROSE.finditer(text)
    ]
    return [f"{line}: {what}" for line, what in sorted(found)]


def in_page(text: str) -> list[str]:
    """Return a line for each replaced word on a page of the documentation, outside of code."""
    text = re.sub(r"```.*?```", lambda code: "\n" * code.group().count("\n"), text, flags=re.DOTALL)
    lines = enumerate(re.sub(r"`[^`\n]*`", "", text).splitlines(), 1)
    return [f"{at}: {found.group()}" for at, line in lines for found in PROSE.finditer(line)]


def occurrences() -> dict[str, list[str]]:
    """Return what each file has, if anything."""
    found = {}
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            found[str(path.relative_to(ROOT))] = in_python(path.read_text())
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        found[str(path.relative_to(ROOT))] = in_page(path.read_text())
    return {file: lines for file, lines in found.items() if lines and file not in EXEMPT}


def write(*, first: bool) -> None:
    """Lower the baseline to what there is; the first one takes it as it is."""
    known = {} if first else json.loads(BASELINE.read_text())
    counts = {file: len(lines) for file, lines in occurrences().items()}
    lowered = {
        file: count if first else min(count, known[file])
        for file, count in counts.items()
        if first or file in known
    }
    BASELINE.write_text(json.dumps(lowered, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    if "--write" in sys.argv:
        write(first=not BASELINE.exists())
    else:
        for name, lines in occurrences().items():
            sys.stdout.writelines(f"{name}:{line}\n" for line in lines)
