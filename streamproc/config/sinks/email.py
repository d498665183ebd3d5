"""Configure the sink for e-mail."""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from streamproc.config.secrets import EnvName, FileName, check_one, read_secret
from streamproc.config.sink import SinkSection, not_empty
from streamproc.config.sinks.common import Once
from streamproc.schemas.section import Path, refuse, refuse_if_any

_ADDRESS: Final = re.compile(r"[^\s@<>,;:\"]+@[^\s@<>,;:\"]+")


def _address(text: str) -> str:
    if not (text.isascii() and _ADDRESS.fullmatch(text)):
        refuse(((), "expected an address such as on-call@example.org"))
    return text


Address = Annotated[str, AfterValidator(_address), Field(max_length=254)]


class EmailSection(SinkSection):
    """E-mails, by SMTP."""

    kind: Annotated[
        Literal["email"], Field(description="An e-mail for each alert.", examples=["email"])
    ]
    once: Once = "incident"
    host: Annotated[
        str,
        Field(
            min_length=1,
            max_length=253,
            description="The SMTP server.",
            examples=["smtp.example.org"],
        ),
    ]
    port: Annotated[
        int,
        Field(
            ge=1,
            le=65_535,
            description="Its port: 587, or 465 with `tls: implicit`.",
            examples=[587],
        ),
    ] = 587
    tls: Annotated[
        Literal["starttls", "implicit", "none"],
        Field(
            description="`starttls`: refuse a server without it. `implicit`: from the first byte."
            " `none`: only to addresses in `networks`, without a password.",
            examples=["implicit"],
        ),
    ] = "starttls"
    sender: Annotated[
        Address, Field(description="Address of the sender.", examples=["streamproc@example.org"])
    ]
    to: Annotated[
        tuple[Address, ...],
        AfterValidator(not_empty),
        Field(
            strict=False,
            max_length=50,
            description="Addresses that get each alert.",
            examples=[["on-call@example.org"]],
        ),
    ]
    username: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=254,
            description="User of the SMTP server. null: no login.",
            examples=["streamproc"],
        ),
    ] = None
    password_env: Annotated[
        EnvName | None,
        Field(
            description="Environment variable with the user's password; or else `password_file`.",
            examples=["SMTP_PASSWORD"],
            repr=False,
        ),
    ] = None
    password_file: Annotated[
        FileName | None,
        Field(
            description="File with the password.",
            examples=["/run/secrets/smtp-password"],
            repr=False,
        ),
    ] = None

    def password(self, field: str) -> SecretStr | None:
        """Look the password up now; None: no login.

        Raises
        ------
        ConfigError
            When it is not where the configuration says.
        """
        if self.username is None:
            return None
        return read_secret(f"{field}.password", self.password_env, self.password_file)

    @model_validator(mode="after")
    def _login(self) -> Self:
        problems: list[tuple[Path, str]] = []
        if self.username is not None:
            problems += check_one("password", self.password_env, self.password_file)
            if self.tls == "none":
                problems.append((("tls",), "expected `starttls` or `implicit` with a password"))
        elif self.password_env is not None or self.password_file is not None:
            problems.append((("username",), "is required with a password"))
        refuse_if_any(problems)
        return self
