"""Post alerts as they are on the topic, optionally signed."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from streamproc.config.webhook import Webhook
from streamproc.schemas.alerts import AlertEvent
from streamproc.sinks.answers import classify_http, secrets_in
from streamproc.sinks.http_target import egress_policy, http_opener
from streamproc.sinks.sink import Answer, OpenSend, Outcome, Request


@dataclass(frozen=True, slots=True)
class WebhookSink:
    """Post the record of an alert byte for byte.

    Parameters
    ----------
    url
        The receiver's URL.
    secret
        Secret that signs bodies; None: they are not signed.
    """

    url: SecretStr
    secret: SecretStr | None

    def render(self, alert: AlertEvent, value: bytes) -> Request:  # noqa: ARG002  the protocol
        """Return a request with the record as its body."""
        url = self.url.get_secret_value()
        return Request(url, value, self.headers(value), secrets_in(url))

    def classify(self, answer: Answer) -> Outcome:
        """Decide by the HTTP status."""
        return classify_http(answer)

    def headers(self, body: bytes) -> Mapping[str, str]:
        """Return the headers of a body: its signature, if there is a secret."""
        if self.secret is None:
            return {}
        digest = hmac.digest(self.secret.get_secret_value().encode(), body, "sha256")
        return {"X-Streamproc-Signature": f"sha256={digest.hex()}"}


def build_webhook(hook: Webhook, field: str) -> tuple[WebhookSink, OpenSend]:
    """Read the secrets of a webhook, and check its URL.

    Raises
    ------
    ConfigError
        If secrets or files are missing on this machine.
    TargetRefusedError
        If the URL is not allowed.
    """
    rules = egress_policy(hook, hook.allow)
    url = hook.address(field)
    return WebhookSink(url, hook.secret(field)), http_opener(hook, url, rules, field)
