"""Configure the sink whose requests are templates."""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from streamproc.config.secrets import EnvName, FileName, check_at_most_one, read_optional_secret
from streamproc.config.sink import UrlSection
from streamproc.config.sinks.common import Once
from streamproc.schemas.section import refuse, refuse_if_any

_SCHEME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")


def _scheme(text: str) -> str:
    if not _SCHEME.fullmatch(text):
        refuse(((), "expected a scheme of the Authorization header, such as Bearer or GenieKey"))
    return text


class TemplateSection(UrlSection):
    """Requests in any JSON format, written as a template."""

    kind: Annotated[
        Literal["template"],
        Field(
            description="JSON in the format of any receiver, by templates (Jinja, sandboxed) of"
            " the alert's fields.",
            examples=["template"],
        ),
    ]
    once: Once = "incident"
    path: Annotated[
        str,
        Field(
            max_length=2_000,
            description="Template of what is appended to the URL.",
            examples=[
                "{% if status == 'resolved' %}/{{ incident_id | urlencode }}/close{% endif %}"
            ],
        ),
    ] = ""
    body: Annotated[
        str,
        Field(
            min_length=1,
            max_length=65_536,
            description="Template of the JSON body; write texts as `{{ message | tojson }}`.",
            examples=['{"text": {{ message | tojson }}}'],
        ),
    ]
    token_env: Annotated[
        EnvName | None,
        Field(
            description="Environment variable with a token for the header `Authorization`. null:"
            " none is sent.",
            examples=["OPSGENIE_KEY"],
            repr=False,
        ),
    ] = None
    token_file: Annotated[
        FileName | None,
        Field(
            description="File with the token.", examples=["/run/secrets/opsgenie-key"], repr=False
        ),
    ] = None
    token_scheme: Annotated[
        str,
        AfterValidator(_scheme),
        Field(description="What stands before the token.", examples=["GenieKey"]),
    ] = "Bearer"  # noqa: S105  the scheme

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
