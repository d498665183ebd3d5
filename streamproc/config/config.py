"""The whole configuration: frozen, validated as one, complete without a single key given."""

from fnmatch import fnmatchcase
from functools import cached_property
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, model_validator

from streamproc.config.broker_url import BrokerUrl
from streamproc.config.budget import BudgetField
from streamproc.config.control import Control
from streamproc.config.escalate import DEFAULT_RULES as ESCALATION_RULES
from streamproc.config.escalate import EscalationRule
from streamproc.config.escalate_share import share_problems
from streamproc.config.http import Http
from streamproc.config.http_intake import HttpIntake
from streamproc.config.inhibit import DEFAULT_RULES, InhibitRule
from streamproc.config.intake import SCHEMA_FORMATS, Intake
from streamproc.config.labels import Labels
from streamproc.config.limits import Limits, Policy, Snapshots
from streamproc.config.maintenance import MaintenanceWindow
from streamproc.config.model import ModelConfig, all_reached
from streamproc.config.partition_shares import parts
from streamproc.config.reachability import unreachable
from streamproc.config.registry import Registry
from streamproc.config.route_tree import grouping_problems, unrouted_sinks
from streamproc.config.routes import Route, all_routes
from streamproc.config.security import Security
from streamproc.config.sink import SinkSection
from streamproc.config.sinks import AnySink
from streamproc.config.topics import KINDS, NAME_PATTERN, TopicKind, Topics
from streamproc.config.webhook import Webhook, all_named
from streamproc.errors import ConfigError
from streamproc.schemas.section import Path, Section, refuse_if_any, suggest

__all__ = [
    "KINDS",
    "Config",
    "Control",
    "Http",
    "Labels",
    "Limits",
    "Policy",
    "Snapshots",
    "TopicKind",
    "Topics",
    "Webhook",
]

_BROKER: Final[TypeAdapter[str]] = TypeAdapter(BrokerUrl)


class Config(Section):
    """Everything that can be set. ``Config()`` watches every model with sound defaults.

    Raises
    ------
    pydantic.ValidationError
        When a value does not fit. `streamproc.config.load.load` turns it into a `ConfigError`
        with file, line and field.

    Examples
    --------
    >>> config = Config()
    >>> [spec.name for spec in config.model("fraud").detectors("feature:amount")]
    ['mixture', 'page_hinkley']
    """

    broker: Annotated[
        BrokerUrl,
        Field(
            description="The Kafka cluster: kafka://host:port[,host:port…].",
            examples=["kafka://kafka-1:9092,kafka-2:9092"],
        ),
    ] = "kafka://localhost:9092"
    group: Annotated[
        str,
        Field(
            min_length=1,
            max_length=249,
            pattern=NAME_PATTERN,
            description="Consumer group: workers with the same one share the partitions.",
            examples=["streamproc"],
        ),
    ] = "streamproc"
    topics: Annotated[
        Topics, Field(description="Topic names and creation settings.", examples=[{"prefix": ""}])
    ] = Topics()
    security: Annotated[
        Security,
        Field(description="TLS and SASL to the broker.", examples=[{"protocol": "SSL"}]),
    ] = Security()
    strict: Annotated[
        bool,
        Field(
            description="Whether an event with a field of another type than the schema's is a dead"
            " letter. false: fields are converted where nothing is lost (integer ids, nested"
            " objects, numbers as text, times without a zone), and unreadable ones count as"
            " missing.",
            examples=[True],
        ),
    ] = False
    models: Annotated[
        tuple[ModelConfig, ...],
        AfterValidator(all_reached),
        Field(
            strict=False,
            description="What to watch of which models.",
            examples=[[{"id": "fraud", "owner": "risk-oncall"}]],
        ),
    ] = ()
    policy: Annotated[
        Policy,
        Field(
            description="When incidents are reported and end.",
            examples=[{"update_interval": "10m"}],
        ),
    ] = Policy()
    budget: Annotated[
        BudgetField | None,
        Field(
            description="False alarms that all detectors of all series may raise together, in a"
            " day, week or month: thresholds follow from the number of values, once a day. null:"
            " thresholds are those of `watch`.",
            examples=["1 a week"],
        ),
    ] = None
    limits: Annotated[
        Limits,
        Field(description="What a worker takes at most.", examples=[{"slice_records": 5000}]),
    ] = Limits()
    intake: Annotated[
        tuple[Intake, ...],
        Field(
            strict=False,
            max_length=256,
            description="Topics of other systems to read, and what becomes of their records.",
            examples=[[{"from": {"topics": ["logger"]}, "preset": "kserve"}]],
        ),
    ] = ()
    registry: Annotated[
        Registry | None,
        Field(
            description="The schema registry of framed records that `intake` reads; null: none."
            " Needs `streamproc[registry]`.",
            examples=[{"url": "http://registry:8081"}],
        ),
    ] = None
    labels: Annotated[
        Labels,
        Field(description="How truth is joined to events.", examples=[{"horizon": "7d"}]),
    ] = Labels()
    snapshots: Annotated[
        Snapshots,
        Field(description="How state survives a crash.", examples=[{"interval": "30s"}]),
    ] = Snapshots()
    webhooks: Annotated[
        tuple[Webhook, ...],
        AfterValidator(all_named),
        Field(
            strict=False,
            max_length=16,
            description="Where alerts are sent besides Kafka.",
            examples=[
                [{"name": "tickets", "url_env": "TICKETS_URL", "allow": ["tickets.example.org"]}]
            ],
        ),
    ] = ()
    sinks: Annotated[
        tuple[AnySink, ...],
        Field(
            strict=False,
            max_length=16,
            description="Where alerts are sent in the format of the receiver.",
            examples=[[{"name": "pager", "kind": "pagerduty", "routing_key_env": "PAGERDUTY_KEY"}]],
        ),
    ] = ()
    routes: Annotated[
        tuple[Route, ...],
        Field(
            strict=False,
            max_length=100,
            description="Which sinks and webhooks hear of which alerts, the first match first."
            " Alerts that no route matches go to all of them.",
            examples=[[{"match": ["owner = risk-oncall"], "sinks": ["pager"]}]],
        ),
    ] = ()
    maintenance: Annotated[
        tuple[MaintenanceWindow, ...],
        Field(
            strict=False,
            max_length=100,
            description="Windows in which nobody is paged, by a schedule.",
            examples=[[{"name": "nightly-load", "cron": "0 2 * * *", "duration": "2h"}]],
        ),
    ] = ()
    inhibit: Annotated[
        tuple[InhibitRule, ...],
        Field(
            strict=False,
            max_length=100,
            description="Rules by which an open incident hides others, as Alertmanager's: they page"
            " when it ends, if they still are open. By default a model that is silent, whose state"
            " is lost, or whose labels are not joined; an empty list: none.",
            examples=[[{"source": ["kind = silence"], "target": ["kind = data"]}]],
        ),
    ] = DEFAULT_RULES
    escalate: Annotated[
        tuple[EscalationRule, ...],
        Field(
            strict=False,
            max_length=100,
            description="When incidents rise by one step of severity and page again. By default"
            " one of `warning` that ten models have, or half of them; an empty list: never.",
            examples=[[{"match": ["severity = warning"], "after": "30m", "models": 10}]],
        ),
    ] = ESCALATION_RULES
    redact: Annotated[
        tuple[str, ...],
        Field(
            strict=False,
            max_length=1000,
            description="Globs of features and tags whose values `streamproc incidents rows` and"
            " alerts about rules do not show, and `streamproc export` does not write.",
            examples=[["email", "card_*"]],
        ),
    ] = ()
    http: Annotated[
        Http | None,
        Field(
            description="Where metrics and health are served; null: nowhere.",
            examples=[{"host": "127.0.0.1", "port": 9464}],
        ),
    ] = Http()
    http_intake: Annotated[
        HttpIntake | None,
        Field(
            description="Where events are accepted by HTTP; null: nowhere.",
            examples=[{"host": "127.0.0.1", "port": 9465}],
        ),
    ] = None
    control: Annotated[
        Control | None,
        Field(
            description="Signed commands to running workers; null: none is obeyed.",
            examples=[{"secret_env": "STREAMPROC_CONTROL_SECRET"}],
        ),
    ] = None

    @model_validator(mode="after")
    def _sinks_named_once(self) -> Self:
        """Refuse a sink with the name of another one: both would share a consumer group."""
        hooks = {hook.name for hook in self.webhooks}
        first: dict[str, int] = {}
        problems: list[tuple[Path, str]] = []
        for place, sink in enumerate(self.sinks):
            if sink.name in hooks:
                problems.append((("sinks", place, "name"), "is the name of a webhook already"))
            elif first.setdefault(sink.name, place) != place:
                name_of = f"is the name of entry {first[sink.name]} already"
                problems.append((("sinks", place, "name"), name_of))
        refuse_if_any(problems)
        return self

    @model_validator(mode="after")
    def _windows_named_once(self) -> Self:
        """Refuse a maintenance window with the name of another one: both would be one silence."""
        names = [window.name for window in self.maintenance]
        refuse_if_any(
            [
                (
                    ("maintenance", place, "name"),
                    f"is the name of entry {names.index(name)} already",
                )
                for place, name in enumerate(names)
                if names.index(name) != place
            ]
        )
        return self

    @model_validator(mode="after")
    def _intake_has_what_it_needs(self) -> Self:
        """Refuse formats without the registry of their schemas, and requests without a server."""
        posted = [place for place, entry in enumerate(self.intake) if entry.source.http]
        if posted and self.http_intake is None:
            path: Path = ("intake", posted[0], "from", "http")
            refuse_if_any([(path, "needs the section `http_intake`, which says where")])
        if len(posted) > 1:
            path = ("intake", posted[1], "from", "http")
            refuse_if_any([(path, f"entry {posted[0]} has what comes by HTTP already")])
        if self.registry is None:
            problem = "needs the section `registry`, which says where the schemas are"
            refuse_if_any(
                [
                    (("intake", place, "format"), f"{entry.format} {problem}")
                    for place, entry in enumerate(self.intake)
                    if entry.format in SCHEMA_FORMATS
                ]
            )
        return self

    @model_validator(mode="after")
    def _routes_lead_somewhere(self) -> Self:
        """Refuse routes to unknown sinks, without any sink, and those that nothing can reach."""
        known = [sink.name for sink in self.all_sinks]
        problems: list[tuple[Path, str]] = []
        for path, route, sinks in all_routes(self.routes):
            for place, name in enumerate(route.sinks):
                if name not in known:
                    hint = suggest(name, known) if known else "no sink is configured"
                    problems.append(((*path, "sinks", place), f"unknown sink; {hint}"))
            if not sinks and not route.routes:
                problems.append(((*path, "sinks"), "expected at least one: it has no parent's"))
        problems += grouping_problems(self.routes, self.all_sinks)
        problems += unrouted_sinks(self.routes, self.sinks)
        refuse_if_any([*problems, *unreachable(self.routes)])
        return self

    @model_validator(mode="after")
    def _shares_can_be_reached(self) -> Self:
        refuse_if_any([*share_problems(self.escalate, self.models)])
        return self

    @property
    def all_sinks(self) -> tuple[SinkSection, ...]:
        """The entries of `webhooks` and of `sinks`."""
        return (*self.webhooks, *self.sinks)

    @property
    def kinds(self) -> tuple[TopicKind, ...]:
        """The topics that are used; that of commands only if `control` is configured."""
        return tuple(kind for kind in KINDS if kind != "control" or self.control is not None)

    @property
    def bootstrap_servers(self) -> tuple[str, ...]:
        """The broker's addresses, each ``host:port``."""
        return tuple(self.broker.removeprefix("kafka://").split(","))

    def series_limit(self, kind: str) -> int:
        """Return the share of `limits.max_series` that one partition of a watched topic has.

        Parameters
        ----------
        kind : str
            ``predictions``, ``features`` or ``outcomes``.
        """
        return self.limits.max_series // parts(kind, self.topics.partitions)

    def with_broker(self, url: str) -> Self:
        """Give the same configuration for another cluster.

        Parameters
        ----------
        url : str
            ``kafka://host:port[,host:port…]``

        Raises
        ------
        ConfigError
            When ``url`` is not such a URL.
        """
        try:
            return self.model_copy(update={"broker": _BROKER.validate_python(url, strict=True)})
        except ValidationError as error:
            raise ConfigError(f"broker: {error.errors()[0]['msg']}") from None

    def model(self, model_id: str) -> ModelConfig:
        """Give what is configured for a model.

        Parameters
        ----------
        model_id : str
            The id that events carry.

        Returns
        -------
        ModelConfig
            The first entry of ``models`` whose ``id`` matches; when none does, the built-in one,
            which watches every series of numbers with the mixture and Page-Hinkley, of texts with
            χ².
        """
        for model in self.models:
            if fnmatchcase(model_id, model.id):
                return model
        return self._default_model

    @cached_property
    def _default_model(self) -> ModelConfig:
        return ModelConfig(id="*")
