"""Build the targets of alerts from the configuration: a sink, and which alerts it gets."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final, get_args

from streamproc.config.config import Config
from streamproc.config.sink import SinkSection
from streamproc.errors import ConfigError
from streamproc.schemas.alerts import AlertEvent, Severity
from streamproc.sinks.sink import OpenSend, Sink
from streamproc.sinks.target import TargetRefusedError
from streamproc.sinks.webhook import build_webhook, url_key

_URGENCY: Final = {severity: rank for rank, severity in enumerate(get_args(Severity))}


class AbsentError(ConfigError):
    """A secret or a file that a sink needs is missing on this machine.

    Provide what the message names; a machine that only checks a configuration does not need it.
    """


@dataclass(frozen=True, slots=True)
class Target:
    """A sink, checked and ready, and which alerts it gets.

    Parameters
    ----------
    settings
        Its section of the configuration.
    sink
        Renders alerts and classifies answers.
    open_send
        Opens its connection pool.
    """

    settings: SinkSection
    sink: Sink
    open_send: OpenSend = field(repr=False)

    def wants(self, alert: AlertEvent) -> bool:
        """Whether an alert matches the sink's status, severity and model filters."""
        settings = self.settings
        return (
            alert.status in settings.statuses
            and _URGENCY[alert.severity] >= _URGENCY[settings.severity]
            and any(fnmatchcase(alert.model_id, glob) for glob in settings.models)
        )


def targets_of(config: Config) -> tuple[Target, ...]:
    """Build the targets of all sinks: read secrets and files, and check URLs.

    Raises
    ------
    AbsentError
        If only secrets or files are missing on this machine.
    ConfigError
        If a target is not allowed. There is a line for each problem; none repeats a URL.
    """
    found: list[Target] = []
    absent: list[str] = []
    refused: list[str] = []
    for place, hook in enumerate(config.webhooks):
        path = f"webhooks[{place}]"
        try:
            found.append(Target(hook, *build_webhook(hook, path)))
        except TargetRefusedError as error:
            refused.append(f"{path}.{url_key(hook)}: {error}")
        except ConfigError as error:
            absent += error.problems
    if refused:
        raise ConfigError(*refused, *absent)
    if absent:
        raise AbsentError(*absent)
    return tuple(found)
