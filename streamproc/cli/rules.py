"""``streamproc rules``: write rules from rows, or from a JSON Schema."""

from pathlib import Path
from typing import Annotated, Final

import typer

from streamproc.cli.options import flag

File = Annotated[Path, typer.Argument(metavar="FILE", help="csv, jsonl or parquet; - is stdin.")]
Column = str | None

app: Final = typer.Typer(
    help="Write rules that events have to fulfil.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _example(command: str) -> str:
    return f"\b\nExample:\n  streamproc rules {command}"


@app.callback()
def _group() -> None:
    """Write rules that events have to fulfil."""


@app.command("learn", epilog=_example("learn training.csv --model fraud --prediction score"))
def learn(
    file: File,
    *,
    model: Annotated[str, flag("model", "Id or glob of the models.", metavar="GLOB")] = "*",
    prediction: Annotated[Column, flag("prediction", "Column with the prediction.")] = None,
    label: Annotated[Column, flag("label", "Column with the truth, left out.")] = None,
    ts: Annotated[Column, flag("ts", "Column with the time, left out.")] = None,
    identity: Annotated[Column, flag("id", "Column with the id, left out.")] = None,
) -> None:
    """Print rules that all rows of a file fulfil.

    They are a configuration that `streamproc check` accepts: ranges with a margin, sets of texts
    that are few, and shares of missing values. Read them before you use them.
    """
    from streamproc.cli.columns import Roles  # noqa: PLC0415  --help
    from streamproc.cli.rules_learn import print_rules  # noqa: PLC0415  --help
    from streamproc.tabular.source import open_table  # noqa: PLC0415  --help

    with open_table(file) as table:
        roles = Roles.choose(
            table.columns, None, prediction=prediction, label=label, ts=ts, identity=identity
        )
        print_rules(table, roles, model)


@app.command("from-schema", epilog=_example("from-schema features.schema.json --model fraud"))
def from_schema(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON Schema; - is stdin.")],
    *,
    model: Annotated[str, flag("model", "Id or glob of the models.", metavar="GLOB")] = "*",
    at: Annotated[str, flag("at", "The schema in it.", metavar="POINTER")] = "#",
    prediction: Annotated[Column, flag("prediction", "Property with the prediction.")] = None,
    omit: Annotated[list[str], flag("omit", "Property that is left out.")] = [],  # noqa: B006  typer's
) -> None:
    """Print the rules of a JSON Schema.

    They are a configuration that `streamproc check` accepts. Its comments name each keyword of the
    schema that rules do not express.
    """
    from streamproc.cli.rules_schema import print_schema_rules  # noqa: PLC0415  --help

    print_schema_rules(file, at, model, prediction=prediction, omit=omit)
