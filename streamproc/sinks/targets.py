"""Build the targets of alerts from the configuration: a sink, and which alerts it gets."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, assert_never

from streamproc.config.config import Config
from streamproc.config.route_tree import leaves_of
from streamproc.config.routes import Route
from streamproc.config.sink import SinkSection, UrlSection
from streamproc.config.sinks import AnySink
from streamproc.config.sinks.alertmanager import AlertmanagerSection
from streamproc.config.sinks.apprise import AppriseSection
from streamproc.config.sinks.email import EmailSection
from streamproc.config.sinks.pagerduty import PagerDutySection
from streamproc.config.sinks.retrain import RetrainSection
from streamproc.config.sinks.slack import SlackSection
from streamproc.config.sinks.teams import TeamsSection
from streamproc.config.sinks.template import TemplateSection
from streamproc.config.webhook import Webhook
from streamproc.errors import ConfigError, MissingExtraError
from streamproc.schemas.alerts import AlertEvent
from streamproc.sinks.alertmanager import build_alertmanager
from streamproc.sinks.apprise import build_apprise
from streamproc.sinks.email import build_email
from streamproc.sinks.pagerduty import build_pagerduty
from streamproc.sinks.reading import AlertReader, PageReader, Reader
from streamproc.sinks.retrain import OnceReader, build_retrain
from streamproc.sinks.routing import labels_of
from streamproc.sinks.sink import InvalidSinkError, OpenSend, Sink
from streamproc.sinks.slack import build_slack
from streamproc.sinks.target import TargetRefusedError
from streamproc.sinks.teams import build_teams
from streamproc.sinks.template import build_template
from streamproc.sinks.webhook import build_webhook

_PerIncident = (
    AppriseSection | EmailSection | PagerDutySection | SlackSection | TeamsSection | TemplateSection
)


class AbsentError(ConfigError):
    """A secret, a file or a package that a sink needs is missing on this machine.

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
    routes
        The routes of the configuration, which may lead elsewhere.
    per_incident
        Its receiver has one entry for an incident, so that repeated alerts are left out, and
        `resolved` means that all series of the incident are.
    observe
        Is called with alerts that were delivered before this process read the topic.
    """

    settings: SinkSection
    sink: Sink
    open_send: OpenSend = field(repr=False)
    routes: tuple[Route, ...] = ()
    per_incident: bool = False
    observe: Callable[[AlertEvent], None] | None = None

    @property
    def follows_incidents(self) -> bool:
        """Whether it gets the pages of incidents across models instead of each alert."""
        return self.settings.follows_incidents

    @property
    def needs_history(self) -> bool:
        """Whether what was delivered before matters for the next alert."""
        return self.per_incident or self.observe is not None

    @property
    def topic(self) -> Literal["alerts", "incidents"]:
        """The topic that it reads."""
        return "incidents" if self.follows_incidents else "alerts"

    def reader(self) -> Reader:
        """Return what decides which records are sent."""
        if self.follows_incidents:
            return PageReader(
                self.settings.name, self.selects, self.settings.statuses, self.observe
            )
        if isinstance(self.settings, RetrainSection):
            return OnceReader(self.selects, self.wants)
        return AlertReader(self.wants, self.observe, per_incident=self.per_incident)

    def wants(self, alert: AlertEvent) -> bool:
        """Whether an alert matches the sink's filters, and is routed to it."""
        return alert.status in self.settings.statuses and self.selects(alert)

    def selects(self, alert: AlertEvent) -> bool:
        """Whether an alert is one for the sink, whatever its status.

        What a sink of incidents gets in groups is selected for them, in
        `streamproc.incidents.notification_groups`.
        """
        if not self.settings.asks_for(alert.model_id, alert.severity):
            return False
        leaves = leaves_of(self.routes, labels_of(alert))
        if leaves is None:
            return not self.settings.only_routed
        return any(
            self.settings.name in leaf.sinks
            and not (self.follows_incidents and leaf.group_by is not None)
            for leaf in leaves
        )


def targets_of(config: Config) -> tuple[Target, ...]:
    """Build the targets of all sinks: read secrets and files, and check URLs.

    Raises
    ------
    AbsentError
        If only secrets, files or packages are missing on this machine.
    ConfigError
        If a target is not allowed. There is a line for each problem; none repeats a URL.
    """
    found: list[Target] = []
    absent: list[str] = []
    refused: list[str] = []
    for path, section in _sections(config):
        try:
            found.append(replace(_target(section, path), routes=config.routes))
        except TargetRefusedError as error:
            key = section.url_key if isinstance(section, UrlSection) else "url"
            refused.append(f"{path}.{key}: {error}")
        except MissingExtraError as error:
            absent.append(f"{path}: {error}")
        except InvalidSinkError as error:
            refused += error.problems
        except ConfigError as error:
            absent += error.problems
    if refused:
        raise ConfigError(*refused, *absent)
    if absent:
        raise AbsentError(*absent)
    return tuple(found)


def target_named(config: Config, name: str) -> Target:
    """Build the target of one sink alone; secrets of other sinks may be missing.

    Raises
    ------
    ConfigError
        If it is not allowed, or its secrets are missing.
    MissingExtraError
        If the packages of an extra are missing that it needs.
    """
    [(path, section)] = [each for each in _sections(config) if each[1].name == name]
    try:
        return _target(section, path)
    except TargetRefusedError as error:
        raise ConfigError(f"{path}: {error}") from None


def _sections(config: Config) -> Iterator[tuple[str, Webhook | AnySink]]:
    for place, hook in enumerate(config.webhooks):
        yield f"webhooks[{place}]", hook
    for place, sink in enumerate(config.sinks):
        yield f"sinks[{place}]", sink


def _target(section: Webhook | AnySink, path: str) -> Target:
    if isinstance(section, RetrainSection):
        return Target(section, *build_retrain(section, path), per_incident=True)
    if isinstance(section, Webhook):
        return Target(section, *build_webhook(section, path))
    if isinstance(section, AlertmanagerSection):
        sink, opener = build_alertmanager(section, path)
        return Target(section, sink, opener, observe=sink.observe)
    return Target(section, *_build(section, path), per_incident=True)


def _build(section: _PerIncident, path: str) -> tuple[Sink, OpenSend]:
    match section:
        case AppriseSection():
            return build_apprise(section, path)
        case EmailSection():
            return build_email(section, path)
        case PagerDutySection():
            return build_pagerduty(section, path)
        case SlackSection():
            return build_slack(section, path)
        case TeamsSection():
            return build_teams(section, path)
        case TemplateSection():
            return build_template(section, path)
        case _:
            assert_never(section)
