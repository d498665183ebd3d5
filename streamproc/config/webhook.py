"""Where alerts go besides Kafka: which of them, to whom, and for how long that is tried."""

from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from streamproc.config.secrets import EnvName, FileName, check_at_most_one, read_strong_secret
from streamproc.config.sink import UrlSection
from streamproc.schemas.section import refuse_if_any


class Webhook(UrlSection):
    """Where alerts are posted to, and which."""

    secret_env: Annotated[
        EnvName | None,
        Field(
            description="Environment variable with the secret that bodies are signed with: `whsec_`"
            " and base64 of 24 to 64 bytes for Standard Webhooks, or else 32 characters or more;"
            " without it and `secret_file` they are not signed.",
            examples=["PAGER_SECRET"],
            repr=False,
        ),
    ] = None
    secret_file: Annotated[
        FileName | None,
        Field(
            description="File with the secret, in place of `secret_env`.",
            examples=["/run/secrets/pager-secret"],
            repr=False,
        ),
    ] = None

    def secret(self, field: str) -> SecretStr | None:
        """Look up what bodies are signed with; None when they are not.

        Raises
        ------
        ConfigError
            When it is not where the configuration says, or too short to be one.
        """
        if self.secret_env is None and self.secret_file is None:
            return None
        return read_strong_secret(f"{field}.secret", self.secret_env, self.secret_file)

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        refuse_if_any(check_at_most_one("secret", self.secret_env, self.secret_file))
        return self


def all_named(webhooks: tuple[Webhook, ...]) -> tuple[Webhook, ...]:
    """Refuse a name that is given twice: both would share one place in the alerts."""
    first: dict[str, int] = {}
    refuse_if_any(
        [
            ((place, "name"), f"is the name of entry {first[hook.name]} already")
            for place, hook in enumerate(webhooks)
            if first.setdefault(hook.name, place) != place
        ]
    )
    return webhooks
