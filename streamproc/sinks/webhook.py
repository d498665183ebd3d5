"""The targets of webhooks, as the configuration says: found, checked, ready to be sent to."""

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
    """A secret or a file that a webhook needs is not to be had on this machine.

    Put it where the message says; on a machine that only checks a configuration nothing is wrong.
    """


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook that can be sent to.

    Parameters
    ----------
    hook
        What the configuration says.
    url
        Where to; checked.
    rules
        What may be sent to, and how much of it.
    secret
        What bodies are signed with; None: they are not.
    """

    hook: Webhook
    url: SecretStr
    rules: EgressPolicy
    secret: SecretStr | None

    def headers(self, body: bytes) -> Mapping[str, str]:
        """Give what is said of a body: its signature, where there is a secret."""
        if self.secret is None:
            return {}
        digest = hmac.digest(self.secret.get_secret_value().encode(), body, "sha256")
        return {"X-Streamproc-Signature": f"sha256={digest.hex()}"}

    def wants(self, alert: AlertEvent) -> bool:
        """Whether an alert is one of those that are sent there."""
        hook = self.hook
        return (
            alert.status in hook.statuses
            and _URGENCY[alert.severity] >= _URGENCY[hook.severity]
            and any(fnmatchcase(alert.model_id, glob) for glob in hook.models)
        )

    def tls(self) -> ssl.SSLContext:
        """Read the authorities that are trusted.

        Raises
        ------
        OSError
            If the file cannot be read, or holds none.
        """
        return ssl.create_default_context(cafile=self.hook.ca_file)


def targets_of(config: Config) -> tuple[Target, ...]:
    """Find the targets of all webhooks: secrets are looked up, URLs checked, files read.

    Raises
    ------
    AbsentError
        If something is not to be had on this machine, and nothing else is wrong.
    ConfigError
        If a target may not be sent to. There is a line for each problem; none repeats a URL.
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
    """Return the key that says where the URL is."""
    return next(key for key in ("url", "url_env", "url_file") if getattr(hook, key) is not None)
