"""Build and check the targets of webhooks from the configuration."""

import hmac
import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, get_args

from pydantic import SecretStr

from streamproc.config.config import Config
from streamproc.config.webhook import Webhook
from streamproc.errors import ConfigError
from streamproc.schemas.alerts import AlertEvent, Severity
from streamproc.sinks.target import EgressPolicy, TargetRefusedError, check_url

_URGENCY: Final = {severity: rank for rank, severity in enumerate(get_args(Severity))}


class AbsentError(ConfigError):
    """A secret or a file that a webhook needs is missing on this machine.

    Provide what the message names; a machine that only checks a configuration does not need it.
    """


@dataclass(frozen=True, slots=True)
class Target:
    """The checked target of a webhook.

    Parameters
    ----------
    hook
        Its configuration.
    url
        Its URL, checked.
    rules
        Permitted targets and sizes.
    secret
        Secret that signs bodies; None: they are not signed.
    """

    hook: Webhook
    url: SecretStr
    rules: EgressPolicy
    secret: SecretStr | None

    def headers(self, body: bytes) -> Mapping[str, str]:
        """Return the headers of a body: its signature, if there is a secret."""
        if self.secret is None:
            return {}
        digest = hmac.digest(self.secret.get_secret_value().encode(), body, "sha256")
        return {"X-Streamproc-Signature": f"sha256={digest.hex()}"}

    def wants(self, alert: AlertEvent) -> bool:
        """Whether an alert matches the webhook's status, severity and model filters."""
        hook = self.hook
        return (
            alert.status in hook.statuses
            and _URGENCY[alert.severity] >= _URGENCY[hook.severity]
            and any(fnmatchcase(alert.model_id, glob) for glob in hook.models)
        )

    def tls(self) -> ssl.SSLContext:
        """Load the trusted authorities.

        Raises
        ------
        OSError
            If the file cannot be read, or has no certificate.
        """
        return ssl.create_default_context(cafile=self.hook.ca_file)


def targets_of(config: Config) -> tuple[Target, ...]:
    """Build the targets of all webhooks: read secrets and files, and check URLs.

    Raises
    ------
    AbsentError
        If only secrets or files are missing on this machine.
    ConfigError
        If a target is not allowed. There is a line for each problem; none repeats a URL.
    """
    found: list[Target] = []
    absent: list[str] = []
    refused: list[str] = []
    for place, hook in enumerate(config.webhooks):
        field = f"webhooks[{place}]"
        try:
            found.append(_target(hook, field))
        except TargetRefusedError as error:
            refused.append(f"{field}.{_named(hook)}: {error}")
        except ConfigError as error:
            absent += error.problems
    if refused:
        raise ConfigError(*refused, *absent)
    if absent:
        raise AbsentError(*absent)
    return tuple(found)


def _target(hook: Webhook, field: str) -> Target:
    rules = EgressPolicy(
        hosts=hook.allow,
        networks=tuple(map(ipaddress.ip_network, hook.networks)),
        seconds=hook.timeout.total_seconds(),
        request_bytes=hook.max_bytes,
    )
    url = hook.address(field)
    check_url(url.get_secret_value(), rules)
    target = Target(hook, url, rules, hook.secret(field))
    try:
        target.tls()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"{field}.ca_file: cannot use {hook.ca_file}: {reason}") from None
    return target


def _named(hook: Webhook) -> str:
    """Return the configuration key of the URL."""
    return next(key for key in ("url", "url_env", "url_file") if getattr(hook, key) is not None)
