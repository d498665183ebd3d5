"""Configure the sink for PagerDuty."""

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from streamproc.config.secrets import EnvName, FileName, check_one, read_secret
from streamproc.config.sink import SinkSection
from streamproc.config.sinks.common import IncidentStatuses, Once
from streamproc.schemas.alerts import PUBLISHED_STATUSES
from streamproc.schemas.section import refuse_if_any


class PagerDutySection(SinkSection):
    """Incidents of PagerDuty, by its Events API v2."""

    kind: Annotated[
        Literal["pagerduty"],
        Field(description="An incident at PagerDuty for each incident.", examples=["pagerduty"]),
    ]
    once: Once = "incident"
    url: Annotated[
        str,
        Field(
            min_length=1,
            max_length=2048,
            description="Of the Events API; for the service region EU"
            " `https://events.eu.pagerduty.com/v2/enqueue`.",
            examples=["https://events.eu.pagerduty.com/v2/enqueue"],
        ),
    ] = "https://events.pagerduty.com/v2/enqueue"
    routing_key_env: Annotated[
        EnvName | None,
        Field(
            description="Environment variable with the integration key (Events API v2) of a"
            " service, 32 characters; or else `routing_key_file`.",
            examples=["PAGERDUTY_KEY"],
            repr=False,
        ),
    ] = None
    routing_key_file: Annotated[
        FileName | None,
        Field(
            description="File with the integration key.",
            examples=["/run/secrets/pagerduty-key"],
            repr=False,
        ),
    ] = None
    statuses: IncidentStatuses = PUBLISHED_STATUSES

    def routing_key(self, field: str) -> SecretStr:
        """Look the key up now; `field` is the path of this section, for the message.

        Raises
        ------
        ConfigError
            When it is not where the configuration says.
        """
        return read_secret(f"{field}.routing_key", self.routing_key_env, self.routing_key_file)

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        refuse_if_any(check_one("routing_key", self.routing_key_env, self.routing_key_file))
        return self
