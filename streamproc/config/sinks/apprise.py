"""Configure the sink for receivers that only Apprise knows."""

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from streamproc.config.secrets import EnvName, FileName, check_one, read_secret
from streamproc.config.sink import SinkSection
from streamproc.config.sinks.common import IncidentStatuses, Once
from streamproc.schemas.alerts import PUBLISHED_STATUSES
from streamproc.schemas.section import refuse_if_any

_NOT_CHECKED = "leave it out: Apprise opens its connections itself, without this setting"


class AppriseSection(SinkSection):
    """Notifications by Apprise, which has plug-ins for a hundred receivers."""

    kind: Annotated[
        Literal["apprise"],
        Field(
            description="A notification for each alert, by the plug-in of Apprise that its URL"
            " names. Needs `streamproc[apprise]`.",
            examples=["apprise"],
        ),
    ]
    once: Once = "incident"
    url_env: Annotated[
        EnvName | None,
        Field(
            description="Environment variable with the URL of Apprise, such as"
            " `tgram://bottoken/chat`, which holds a secret; or else `url_file`.",
            examples=["TELEGRAM_URL"],
            repr=False,
        ),
    ] = None
    url_file: Annotated[
        FileName | None,
        Field(description="File with the URL.", examples=["/run/secrets/telegram"], repr=False),
    ] = None
    statuses: IncidentStatuses = PUBLISHED_STATUSES

    def address(self, field: str) -> SecretStr:
        """Look the URL up now; `field` is the path of this section, for the message.

        Raises
        ------
        ConfigError
            When it is not where the configuration says.
        """
        return read_secret(f"{field}.url", self.url_env, self.url_file)

    @model_validator(mode="after")
    def _can_apply(self) -> Self:
        problems = [*check_one("url", self.url_env, self.url_file)]
        problems += [
            ((key,), _NOT_CHECKED) for key in ("networks", "ca_file") if getattr(self, key)
        ]
        refuse_if_any(problems)
        return self
