"""Post alerts as they are on the topic, optionally signed."""

import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from streamproc.config.webhook import Webhook
from streamproc.errors import ConfigError
from streamproc.schemas.alerts import AlertEvent
from streamproc.sinks.answers import classify_http, secrets_in
from streamproc.sinks.http_target import egress_policy, http_opener
from streamproc.sinks.signature import message_id, standard_headers, standard_key
from streamproc.sinks.sink import Answer, OpenSend, Outcome, Request


@dataclass(frozen=True, slots=True)
class WebhookSink:
    """Post the record of an alert byte for byte.

    Parameters
    ----------
    url
        The receiver's URL.
    secret
        Secret that signs bodies; None: they are not signed. One that starts with `whsec_` signs by
        Standard Webhooks, any other one by the older header, which has no timestamp.
    clock
        Seconds since 1970, for the timestamp of the signature.
    """

    url: SecretStr
    secret: SecretStr | None
    clock: Callable[[], float] = time.time

    def render(self, alert: AlertEvent, value: bytes) -> Request:
        """Return a request with the record as its body."""
        url = self.url.get_secret_value()
        return Request(url, value, self.headers(alert.alert_id, value), secrets_in(url))

    def classify(self, answer: Answer) -> Outcome:
        """Decide by the HTTP status."""
        return classify_http(answer)

    def headers(self, alert_id: str, body: bytes) -> Mapping[str, str]:
        """Return the headers of a body: its signature, if there is a secret."""
        if self.secret is None:
            return {}
        secret = self.secret.get_secret_value()
        key = standard_key(secret)
        if key is not None:
            return standard_headers(key, message_id(alert_id), int(self.clock()), body)
        digest = hmac.digest(secret.encode(), body, "sha256")
        return {"X-Streamproc-Signature": f"sha256={digest.hex()}"}


def build_webhook(hook: Webhook, field: str) -> tuple[WebhookSink, OpenSend]:
    """Read the secrets of a webhook, and check its URL.

    Raises
    ------
    ConfigError
        If secrets or files are missing on this machine, or a secret is not valid.
    TargetRefusedError
        If the URL is not allowed.
    """
    rules = egress_policy(hook, hook.allow)
    url = hook.address(field)
    opener = http_opener(hook, url, rules, field)
    secret = hook.secret(field)
    try:
        standard_key(secret.get_secret_value() if secret is not None else "")
    except ValueError as error:
        key = "secret_env" if hook.secret_env is not None else "secret_file"
        raise ConfigError(f"{field}.{key}: {error}") from None
    return WebhookSink(url, secret), opener
