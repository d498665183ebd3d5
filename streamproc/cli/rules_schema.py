"""Print a JSON Schema as rules."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from streamproc.config.rule import MAX_RULES
from streamproc.tabular.errors import RowError
from streamproc.tabular.learned_rules import as_yaml, named_differently
from streamproc.tabular.schema_rules import rules_of_schema
from streamproc.terminal import count, note, printable


def print_schema_rules(
    file: Path, pointer: str, model: str, *, prediction: str | None, omit: Iterable[str]
) -> None:
    """Print a configuration with the rules of a schema, and what of it has none.

    Raises
    ------
    RowError
        If the file is not a JSON Schema with properties, or lacks a property that is named.
    """
    omitted = list(omit)
    found = rules_of_schema(_read(file), pointer, prediction=prediction, omit=omitted)
    if not found.properties:
        raise RowError(f"{file}: {pointer} has no properties: name their schema by --at")
    unknown = sorted({prediction, *omitted} - found.properties - {None}, key=str)
    if unknown:
        names = ", ".join(map(repr, sorted(found.properties)))
        raise RowError(f"{file}: unknown property {unknown[0]!r}; it has {names}")
    rules = list(named_differently(found.rules))
    lines = [
        f"# {count(len(rules), 'rule')} of {printable(str(file))}; null counts as missing",
        *(f"# no rule: {printable(path)}: {printable(why)}" for path, why in found.unexpressed),
        "models:",
        f"  - id: {json.dumps(model)}",
        "    rules:" if rules else "    rules: []",
        *(f"      - {as_yaml(rule)}" for rule in rules),
    ]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    if found.unexpressed:
        note(f"{count(len(found.unexpressed), 'keyword')} of the schema without a rule: see above")
    if len(rules) > MAX_RULES:
        note(f"a model has at most {MAX_RULES} rules: remove {len(rules) - MAX_RULES}")


def _read(file: Path) -> Any:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise RowError.at(str(file), error.lineno, f"is not JSON: {error.msg}") from error
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise RowError(f"{file} cannot be read: {error}") from error
