"""Where the schemas of framed records are: a schema registry."""

from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from streamproc.config.secrets import (
    EnvName,
    FileName,
    check_at_most_one,
    check_one,
    read_optional_secret,
)
from streamproc.schemas.section import Path, Section, refuse_if_any

_PATH_OF_CCOMPAT: Final = "/apis/ccompat/"


class Registry(Section):
    """A schema registry with Confluent's API."""

    url: Annotated[
        str,
        Field(
            min_length=1,
            max_length=2048,
            description="Its address, http or https; of Apicurio that of Confluent's API,"
            " `…/apis/ccompat/v7`.",
            examples=["http://registry:8081"],
        ),
    ]
    username: Annotated[
        str | None,
        Field(
            min_length=1,
            description="User of basic authentication; needs `password_env` or `password_file`.",
            examples=["streamproc"],
        ),
    ] = None
    password_env: Annotated[
        EnvName | None,
        Field(
            description="Environment variable with the user's password.",
            examples=["REGISTRY_PASSWORD"],
            repr=False,
        ),
    ] = None
    password_file: Annotated[
        FileName | None,
        Field(
            description="File with the user's password.",
            examples=["/run/secrets/registry-password"],
            repr=False,
        ),
    ] = None
    token_env: Annotated[
        EnvName | None,
        Field(
            description="Environment variable with a bearer token, in place of a user.",
            examples=["REGISTRY_TOKEN"],
            repr=False,
        ),
    ] = None
    token_file: Annotated[
        FileName | None,
        Field(
            description="File with a bearer token, in place of a user.",
            examples=["/run/secrets/registry-token"],
            repr=False,
        ),
    ] = None
    ca_file: Annotated[
        FileName | None,
        Field(
            description="PEM file of the authorities that sign its certificate. null: the"
            " public ones.",
            examples=["/etc/streamproc/ca.pem"],
        ),
    ] = None

    @property
    def apicurio_url(self) -> str | None:
        """Apicurio's own API beside Confluent's; None if the URL is not Apicurio's."""
        base, found, _ = self.url.partition(_PATH_OF_CCOMPAT)
        return f"{base}/apis/registry/v2" if found else None

    def password(self) -> SecretStr | None:
        """Look the password up now; None without a user.

        Raises
        ------
        ConfigError
            If it is not where the configuration says.
        """
        return read_optional_secret("registry.password", self.password_env, self.password_file)

    def token(self) -> SecretStr | None:
        """Look the bearer token up now; None without one.

        Raises
        ------
        ConfigError
            If it is not where the configuration says.
        """
        return read_optional_secret("registry.token", self.token_env, self.token_file)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        refuse_if_any([*_url_problems(self.url, self.ca_file), *self._credential_problems()])
        return self

    def _credential_problems(self) -> list[tuple[Path, str]]:
        problems = check_at_most_one("token", self.token_env, self.token_file)
        has_token = self.token_env is not None or self.token_file is not None
        has_password = self.password_env is not None or self.password_file is not None
        if self.username is None:
            if has_password:
                problems.append((("username",), "is required beside a password"))
        else:
            problems += check_one("password", self.password_env, self.password_file)
            if has_token:
                problems.append((("username",), "expected a user or a token, not both"))
        return problems


def _url_problems(url: str, ca_file: str | None) -> list[tuple[Path, str]]:
    """Return what is wrong with a URL; messages do not repeat it, since it may hold a secret."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return [(("url",), "is not a URL")]
    if parts.scheme not in {"http", "https"} or not host:
        return [(("url",), "expected http://host:port or https://host:port")]
    if "@" in parts.netloc:
        return [(("url",), "holds a user: write it as `username` and `password_env`")]
    if parts.query or parts.fragment:
        return [(("url",), "expected no `?` and no `#`")]
    if ca_file is not None and parts.scheme == "http":
        return [(("ca_file",), "the URL has no TLS: write https, or remove this")]
    return []
