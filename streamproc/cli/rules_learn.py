"""Print the rules that all rows of a table fulfil."""

import json
import sys

from streamproc.cli.columns import Roles
from streamproc.cli.peeked_rows import PeekedRows, recognise
from streamproc.tabular.errors import RowError
from streamproc.tabular.learned_rules import (
    MARGIN,
    MAX_TEXTS,
    LearnedRule,
    as_yaml,
    learned,
    named_differently,
    summarise,
)
from streamproc.tabular.table import Table
from streamproc.terminal import note


def print_rules(table: Table, roles: Roles, model: str) -> None:
    """Print a configuration with the rules of a table.

    Raises
    ------
    RowError
        If the table has no rows, or one that cannot be read.
    """
    peeked = PeekedRows(table, table.rows(roles.text))
    roles = recognise(table, peeked, roles)
    count, columns = summarise(row.values for row in peeked)
    if not count:
        raise RowError(f"{table.name} has no rows: there is nothing to learn from")
    rules: list[LearnedRule] = []
    for name, column in columns.items():
        if name in {roles.label, roles.ts, roles.identity, *roles.left_out}:
            continue
        found = list(
            learned("prediction" if name == roles.prediction else f"feature:{name}", column, count)
        )
        if len(column.texts) > MAX_TEXTS:
            note(f"column {name!r} has more than {MAX_TEXTS} texts: it has no set")
        rules += found
    lines = [
        f"# {count} rows of {table.name}: ranges with a margin of {MARGIN:.0%} of their width",
        "models:",
        f"  - id: {json.dumps(model)}",
        "    rules:",
        *(f"      - {as_yaml(rule)}" for rule in named_differently(rules)),
    ]
    sys.stdout.writelines(f"{line}\n" for line in lines)
