"""Console script: register the commands, and print errors."""

import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from streamproc.cli.alerts import alerts
from streamproc.cli.bench import bench
from streamproc.cli.broker import broker
from streamproc.cli.check import check
from streamproc.cli.compile import compile  # noqa: A004  the command's name
from streamproc.cli.control import control
from streamproc.cli.dead_letters import dead_letters
from streamproc.cli.demo import demo
from streamproc.cli.deployments import app as deployments
from streamproc.cli.export import export
from streamproc.cli.incidents import app as incidents
from streamproc.cli.inputs import inputs
from streamproc.cli.intake import app as intake
from streamproc.cli.models import app as models
from streamproc.cli.publish import publish
from streamproc.cli.replay import replay
from streamproc.cli.rules import app as rules
from streamproc.cli.schema import schema
from streamproc.cli.series import series
from streamproc.cli.sinks import app as sinks
from streamproc.cli.worker import worker
from streamproc.errors import ConfigError, StreamprocError, extras_named

FAILED: Final = 1
WRONG_USAGE: Final = 2

# Each command with the example that its --help shows. What a command needs beyond the standard
# library it imports when it runs, so that --help is there at once.
_COMMANDS: Final[tuple[tuple[Callable[..., Any], str], ...]] = (
    (demo, "streamproc demo --events 20000"),
    (broker, "streamproc broker --port 9092"),
    (worker, "streamproc worker --config streamproc.yaml"),
    (publish, "streamproc publish transactions.csv.gz --model fraud --prediction score"),
    (alerts, "streamproc alerts --follow --model 'fraud*'"),
    (series, "streamproc series 'fraud*'"),
    (inputs, "streamproc inputs 'fraud*'"),
    (dead_letters, "streamproc dead-letters --topic predictions"),
    (export, "streamproc export rows.parquet --incident 0b71fe22 --before 2000"),
    (replay, "streamproc replay --compare"),
    (control, "streamproc control save --config streamproc.yaml"),
    (check, "streamproc check streamproc.yaml"),
    (compile, "streamproc compile --config streamproc.yaml"),
    (schema, "streamproc schema events"),
    (bench, "streamproc bench peers latency --json figures.json"),
)


class Commands(TyperGroup):
    """Ends a command that failed on purpose with one line for each problem, and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; 0 done, 1 failed, 2 wrong usage or config."""
        try:
            with extras_named():
                return super().invoke(ctx)
        except StreamprocError as error:
            for line in str(error).splitlines():
                typer.echo(f"error: {line}", err=True)
            ctx.exit(WRONG_USAGE if isinstance(error, ConfigError) else FAILED)
        except typer.BadParameter as error:
            # Typer prints pydantic's messages as they are.
            plain = error.message.removeprefix("Value error, ")
            error.message = plain.replace("Input should be", "expected")
            raise
        except KeyboardInterrupt:  # a command for which that is the way to end handles it itself
            ctx.exit(FAILED)
        except BrokenPipeError:  # `| head` has read what it wanted
            # The interpreter flushes stdout once more at its end, and would complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_version(wanted: bool) -> None:  # noqa: FBT001  as typer calls it
    if wanted:
        typer.echo(f"streamproc {version('streamproc')}")
        raise typer.Exit


app = typer.Typer(
    cls=Commands,
    help="Watches every model in production for drift, on Kafka.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # a column or a file name may look like markup
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _common(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and exit.",
            is_eager=True,
            callback=_print_version,
            show_default=False,
        ),
    ] = False,
) -> None:
    """Watches every model in production for drift, on Kafka."""


for _function, _example in _COMMANDS:
    app.command(epilog=f"\b\nExample:\n  {_example}")(_function)
app.add_typer(deployments, name="deployments")
app.add_typer(incidents, name="incidents")
app.add_typer(models, name="models")
app.add_typer(rules, name="rules")
app.add_typer(sinks, name="sinks")
app.add_typer(intake, name="intake")


def main() -> None:
    """Run the command line."""
    app(prog_name="streamproc")
