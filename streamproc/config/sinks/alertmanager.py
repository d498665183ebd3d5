"""Configure the sink for Prometheus Alertmanager."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from streamproc.config.secrets import EnvName, FileName, check_at_most_one, read_optional_secret
from streamproc.config.sink import SinkSection
from streamproc.config.sinks.common import IncidentStatuses, Once
from streamproc.schemas.alerts import PUBLISHED_STATUSES
from streamproc.schemas.section import refuse, refuse_if_any
from streamproc.schemas.units import Duration

_MIN_ENDS_AFTER = timedelta(minutes=5)  # Alertmanager's own default, for clients that send again


def _long_enough(value: timedelta) -> timedelta:
    if value < _MIN_ENDS_AFTER:
        refuse(((), "expected 5m or more: alerts are sent once, and would end while they last"))
    return value


class AlertmanagerSection(SinkSection):
    """Alerts of Prometheus Alertmanager, by its API v2."""

    kind: Annotated[
        Literal["alertmanager"],
        Field(
            description="An alert at Alertmanager for each series of an incident or, with `once:"
            " incident`, for each incident across models.",
            examples=["alertmanager"],
        ),
    ]
    url: Annotated[
        str,
        Field(
            min_length=1,
            max_length=2048,
            description="Of one instance, without `/api/v2/alerts`; a sink for each instance of a"
            " cluster. `http` only to addresses in `networks`.",
            examples=["http://alertmanager:9093"],
        ),
    ]
    token_env: Annotated[
        EnvName | None,
        Field(
            description="Environment variable with a bearer token. null: none is sent.",
            examples=["ALERTMANAGER_TOKEN"],
            repr=False,
        ),
    ] = None
    token_file: Annotated[
        FileName | None,
        Field(
            description="File with the token.",
            examples=["/run/secrets/alertmanager"],
            repr=False,
        ),
    ] = None
    ends_after: Annotated[
        Duration,
        AfterValidator(_long_enough),
        Field(
            description="Alertmanager ends an alert by itself so long after its last update, as if"
            " it were resolved: longer than incidents last.",
            examples=["30d"],
        ),
    ] = timedelta(days=30)
    statuses: IncidentStatuses = PUBLISHED_STATUSES
    once: Once = "alert"

    def token(self, field: str) -> SecretStr | None:
        """Look the token up now; None: none is sent.

        Raises
        ------
        ConfigError
            When it is not where the configuration says.
        """
        return read_optional_secret(f"{field}.token", self.token_env, self.token_file)

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        refuse_if_any(check_at_most_one("token", self.token_env, self.token_file))
        return self
