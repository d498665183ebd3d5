"""``streamproc worker``."""

from typing import Annotated

from streamproc.cli.options import Broker, ConfigFile, flag


def worker(
    config: ConfigFile = None,
    broker: Broker = None,
    processes: Annotated[int, flag("processes", "Workers to run, side by side.", min=1)] = 1,
    exit_when_idle: Annotated[
        float | None,
        flag("exit-when-idle", "End after so many seconds with nothing to do.", metavar="SECONDS"),
    ] = None,
) -> None:
    """Watch every model on the topics, and publish alerts, until interrupted."""
    from streamproc.cli.serving import run  # noqa: PLC0415  --help
    from streamproc.client.settings import settle  # noqa: PLC0415  --help

    if processes == 1:
        run(settle(broker, config), exit_when_idle)
        return
    from streamproc.cli.supervisor import Supervisor  # noqa: PLC0415  --help

    Supervisor(lambda: settle(broker, config), processes, exit_when_idle).run()
