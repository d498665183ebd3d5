"""Whether workers obey signed commands, and where the secret is that they are signed with."""

from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from streamproc.config.secrets import EnvName, FileName, check_one, read_strong_secret
from streamproc.schemas.section import Section, refuse_if_any


class Control(Section):
    """Signed commands on the control topic."""

    secret_env: Annotated[
        EnvName | None,
        Field(
            description="Environment variable with the secret that commands are signed with, 32"
            " characters or more; or else `secret_file`.",
            examples=["STREAMPROC_CONTROL_SECRET"],
            repr=False,
        ),
    ] = None
    secret_file: Annotated[
        FileName | None,
        Field(
            description="File with the secret; or else `secret_env`.",
            examples=["/run/secrets/streamproc-control"],
            repr=False,
        ),
    ] = None

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        refuse_if_any(check_one("secret", self.secret_env, self.secret_file))
        return self

    def secret(self) -> SecretStr:
        """Look the secret up now.

        Raises
        ------
        ConfigError
            When it is not where the configuration says, or too short to be one.
        """
        return read_strong_secret("control.secret", self.secret_env, self.secret_file)
