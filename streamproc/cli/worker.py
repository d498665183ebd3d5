"""``streamproc worker``."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from streamproc.cli.options import Broker, ConfigFile, flag

if TYPE_CHECKING:
    from streamproc.config.config import Config


class Part(StrEnum):
    """A part of a worker that can run alone."""

    INTAKE = "intake"


def worker(
    config: ConfigFile = None,
    broker: Broker = None,
    processes: Annotated[int, flag("processes", "Number of worker processes to run.", min=1)] = 1,
    exit_when_idle: Annotated[
        float | None,
        flag("exit-when-idle", "Stop after this many idle seconds.", metavar="SECONDS"),
    ] = None,
    only: Annotated[
        Part | None, flag("only", "Run this part alone: intake of other topics.")
    ] = None,
) -> None:
    """Watch every model and publish alerts.

    It runs until it is interrupted. --broker replaces the broker of the config.
    """
    from streamproc.client.settings import resolve_config  # noqa: PLC0415  --help
    from streamproc.worker.process import run  # noqa: PLC0415  --help

    if processes == 1:
        run(resolve_config(broker, config), exit_when_idle, only=None if only is None else "intake")
        return
    from streamproc.sinks.targets import targets_of  # noqa: PLC0415  --help
    from streamproc.tabular.reference import with_references  # noqa: PLC0415  --help
    from streamproc.worker.supervisor import Supervisor  # noqa: PLC0415  --help

    def read() -> "Config":
        settings = resolve_config(broker, config)
        # Each worker checks it again: this reports an error before any worker starts.
        with_references(settings)
        targets_of(settings)
        return settings

    Supervisor(read, processes, exit_when_idle, None if only is None else "intake").run()
