"""Where a worker serves its metrics and its health, and to whom."""

import ipaddress
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from streamproc.config.secrets import EnvName, FileName, check_one, read_strong_secret
from streamproc.schemas.section import Section, refuse, refuse_if_any


class Http(Section):
    """Where metrics and health are served."""

    host: Annotated[
        str,
        Field(
            min_length=1,
            max_length=255,
            description="Address to listen on; anything but loopback can be reached by others, and"
            " then `token_env` or `token_file` is required.",
            examples=["127.0.0.1"],
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int, Field(ge=0, le=65_535, description="Port; 0: any free one.", examples=[9464])
    ] = 9464
    token_env: Annotated[
        EnvName | None,
        Field(
            description="Environment variable with the token that clients show, 32 characters or"
            " more.",
            examples=["STREAMPROC_HTTP_TOKEN"],
            repr=False,
        ),
    ] = None
    token_file: Annotated[
        FileName | None,
        Field(
            description="File with the token, in place of `token_env`.",
            examples=["/run/secrets/streamproc-http"],
            repr=False,
        ),
    ] = None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:  # a name: nobody knows where it will point to
            return False

    def token(self, section: str = "http") -> SecretStr | None:
        """Look the token up now; None when none is asked for.

        `section` is the path of this section, for the message.

        Raises
        ------
        ConfigError
            When it is not where the configuration says, or too short to be one.
        """
        if self.token_env is None and self.token_file is None:
            return None
        return read_strong_secret(f"{section}.token", self.token_env, self.token_file)

    @model_validator(mode="after")
    def _token_where_others_reach(self) -> Self:
        given = self.token_env is not None or self.token_file is not None
        if given:
            refuse_if_any(check_one("token", self.token_env, self.token_file))
        elif not self.is_loopback:
            advice = "set `token_env` or `token_file`, or listen on 127.0.0.1"
            refuse((("host",), f"can be reached by others: {advice}"))
        return self
