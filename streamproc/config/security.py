"""How clients reach the broker: TLS and SASL."""

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from streamproc.config.secrets import EnvName, FileName, check_one, read_secret
from streamproc.schemas.section import Path, Section, refuse_if_any

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


class Sasl(Section):
    """Who the clients say they are."""

    mechanism: Annotated[
        Mechanism,
        Field(description="How the password is proved.", examples=["SCRAM-SHA-512"]),
    ]
    username: Annotated[
        str, Field(min_length=1, description="The user's name.", examples=["streamproc"])
    ]
    password_env: Annotated[
        EnvName | None,
        Field(
            description="Environment variable with the password; or else `password_file`.",
            examples=["STREAMPROC_SASL_PASSWORD"],
            repr=False,
        ),
    ] = None
    password_file: Annotated[
        FileName | None,
        Field(
            description="File with the password; or else `password_env`.",
            examples=["/run/secrets/kafka-password"],
            repr=False,
        ),
    ] = None

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        refuse_if_any(check_one("password", self.password_env, self.password_file))
        return self

    def password(self) -> SecretStr:
        """Look the password up now.

        Raises
        ------
        ConfigError
            When it is not where the configuration says.
        """
        return read_secret("security.sasl.password", self.password_env, self.password_file)


class Security(Section):
    """TLS and SASL, for every client of the broker alike."""

    protocol: Annotated[
        Protocol,
        Field(description="What the broker's listener speaks.", examples=["SASL_SSL"]),
    ] = "PLAINTEXT"
    ca_file: Annotated[
        FileName | None,
        Field(
            description="PEM file of the authorities that sign the brokers' certificates."
            " Default: the system's.",
            examples=["/etc/streamproc/ca.pem"],
        ),
    ] = None
    cert_file: Annotated[
        FileName | None,
        Field(
            description="PEM file of the client's certificate.",
            examples=["/etc/streamproc/client.pem"],
        ),
    ] = None
    key_file: Annotated[
        FileName | None,
        Field(
            description="PEM file of the client's key, when `cert_file` does not hold it.",
            examples=["/etc/streamproc/client.key"],
        ),
    ] = None
    key_password_env: Annotated[
        EnvName | None,
        Field(
            description="Environment variable with the key's password.",
            examples=["STREAMPROC_KEY_PASSWORD"],
            repr=False,
        ),
    ] = None
    key_password_file: Annotated[
        FileName | None,
        Field(
            description="File with the key's password.",
            examples=["/run/secrets/key-password"],
            repr=False,
        ),
    ] = None
    check_hostname: Annotated[
        bool,
        Field(
            description="Whether a broker's certificate must name the host; false only for tests.",
            examples=[True],
        ),
    ] = True
    sasl: Annotated[
        Sasl | None,
        Field(
            description="User and password, for SASL_PLAINTEXT and SASL_SSL.",
            examples=[
                {"mechanism": "PLAIN", "username": "streamproc", "password_env": "KAFKA_PASSWORD"}
            ],
        ),
    ] = None

    @property
    def uses_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.protocol in {"SSL", "SASL_SSL"}

    @property
    def uses_sasl(self) -> bool:
        """Whether the clients log in."""
        return self.protocol in {"SASL_PLAINTEXT", "SASL_SSL"}

    def key_password(self) -> SecretStr | None:
        """Look the key's password up now; None when the key has none.

        Raises
        ------
        ConfigError
            When it is not where the configuration says.
        """
        if self.key_password_env is None and self.key_password_file is None:
            return None
        return read_secret("security.key_password", self.key_password_env, self.key_password_file)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        refuse_if_any([*self._sasl_problems(), *self._tls_problems(), *self._key_problems()])
        return self

    def _sasl_problems(self) -> list[tuple[Path, str]]:
        if self.uses_sasl and self.sasl is None:
            return [(("sasl",), f"required by protocol {self.protocol}")]
        if self.sasl is not None and not self.uses_sasl:
            advice = "SASL_SSL" if self.uses_tls else "SASL_PLAINTEXT or SASL_SSL"
            return [(("sasl",), f"protocol {self.protocol} does not log in: set it to {advice}")]
        return []

    def _tls_problems(self) -> list[tuple[Path, str]]:
        if self.uses_tls:
            return []
        advice = "SASL_SSL" if self.uses_sasl else "SSL"
        message = f"protocol {self.protocol} has no TLS: set it to {advice}, or remove this"
        names = ("ca_file", "cert_file", "key_file", "key_password_env", "key_password_file")
        given = [name for name in names if getattr(self, name) is not None]
        if not self.check_hostname:
            given.append("check_hostname")
        return [((name,), message) for name in given]

    def _key_problems(self) -> list[tuple[Path, str]]:
        problems: list[tuple[Path, str]] = []
        if self.cert_file is None:
            names = ("key_file", "key_password_env", "key_password_file")
            problems += [
                ((name,), "needs `cert_file`") for name in names if getattr(self, name) is not None
            ]
        if self.key_password_env is not None and self.key_password_file is not None:
            problems.append((("key_password_env",), "expected this or `key_password_file`"))
        return problems
