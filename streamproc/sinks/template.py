"""Render alerts by the operator's templates, for receivers that have no sink here.

Templates are Jinja's, in its sandbox: they read the fields of an alert and nothing else.
https://jinja.palletsprojects.com/en/stable/sandbox/
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import SecretStr

from streamproc.config.sinks.template import TemplateSection
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.base import Source
from streamproc.schemas.section import suggest
from streamproc.sinks.answers import classify_http, secrets_in
from streamproc.sinks.http_target import egress_policy, http_opener
from streamproc.sinks.sink import (
    Answer,
    InvalidSinkError,
    OpenSend,
    Outcome,
    RenderError,
    Request,
)
from streamproc.sinks.texts import facts, title

_MAX_SHOWN: Final = 200


class Templates:
    """The compiled templates of a sink.

    Parameters
    ----------
    section
        The templates.
    field
        Path of the section, for errors.

    Raises
    ------
    InvalidSinkError
        If a template is not valid, or does not render JSON from a sample.
    """

    def __init__(self, section: TemplateSection, field: str) -> None:
        environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
        environment.filters["urlencode"] = _urlencode
        self._path = _compile(environment, section.path, f"{field}.path")
        self._body = _compile(environment, section.body, f"{field}.body")
        for sample in _samples():
            try:
                self.render(sample)
            except RenderError as error:
                raise InvalidSinkError(f"{field}.body: {error}") from None

    def render(self, alert: AlertEvent) -> tuple[str, str]:
        """Return the path and the body of a request.

        Raises
        ------
        RenderError
            If the templates fail, or the body is not JSON.
        """
        fields = context(alert)
        try:
            path, body = self._path.render(fields), self._body.render(fields)
            json.loads(body)
        except TemplateError as error:
            raise RenderError(f"the template fails: {str(error)[:_MAX_SHOWN]}") from None
        except json.JSONDecodeError as error:
            hint = "write texts as {{ message | tojson }}"
            raise RenderError(f"the template does not render JSON ({error}): {hint}") from None
        except Exception as error:  # noqa: BLE001  an expression of the operator
            raise RenderError(f"the template fails: {type(error).__name__}") from None
        return path, body


@dataclass(frozen=True, slots=True)
class TemplateSink:
    """Send what the templates render.

    Parameters
    ----------
    templates
        Of path and body.
    url
        Of the receiver, without the path of the template.
    authorization
        Value of that header; None: none is sent.
    """

    templates: Templates
    url: SecretStr
    authorization: SecretStr | None

    def render(self, alert: AlertEvent, value: bytes) -> Request:  # noqa: ARG002  the protocol
        """Return the rendered request."""
        path, body = self.templates.render(alert)
        url = self.url.get_secret_value()
        if self.authorization is None:
            return Request(f"{url}{path}", body.encode(), secrets=secrets_in(url))
        header = self.authorization.get_secret_value()
        secrets = (*secrets_in(url), header.partition(" ")[2])
        return Request(f"{url}{path}", body.encode(), {"Authorization": header}, secrets)

    def classify(self, answer: Answer) -> Outcome:
        """Decide by the HTTP status."""
        return classify_http(answer)


def context(alert: AlertEvent) -> Mapping[str, Any]:
    """Return what templates can read: the fields of the alert, `title` and `facts`."""
    return alert.model_dump(mode="json") | {"title": title(alert), "facts": facts(alert)}


def _urlencode(value: object) -> str:
    """Encode a part of a path; Jinja's own filter lets `/` through, which would change the path."""
    return quote(str(value), safe="")


def _compile(environment: ImmutableSandboxedEnvironment, text: str, field: str) -> Template:
    known = {*AlertEvent.model_fields, "title", "facts"}
    try:
        unknown = meta.find_undeclared_variables(environment.parse(text)) - known
        for name in sorted(unknown):
            hint = suggest(name, sorted(known))
            raise InvalidSinkError(f"{field}: unknown field `{name}`; {hint}")
        return environment.from_string(text)
    except TemplateError as error:
        raise InvalidSinkError(f"{field}: {str(error)[:_MAX_SHOWN]}") from None


def _samples() -> tuple[AlertEvent, ...]:
    """Return alerts with and without the optional fields, and texts that need quoting."""
    now = datetime(2026, 1, 5, 10, tzinfo=UTC)
    least = AlertEvent(
        alert_id="a",
        incident_id="i",
        status="firing",
        model_id="fraud",
        kind="data",
        series="feature:amount",
        detector="mixture",
        message='the share of "new"\nrose from 1 % to 9 %',
        ts=now,
        detected_at=now,
        source=Source(topic="predictions", partition=0, offset=0),
    )
    more = {"status": "resolved", "owner": "risk", "segment": {"region": "eu"}}
    return least, least.model_copy(update=more)


def build_template(section: TemplateSection, field: str) -> tuple[TemplateSink, OpenSend]:
    """Read URL and token, check the URL, and try the templates.

    Raises
    ------
    InvalidSinkError
        If a template is not valid.
    ConfigError
        If a secret is missing on this machine.
    TargetRefusedError
        If the URL is not allowed.
    """
    templates = Templates(section, field)  # first: a machine without the secrets checks it, too
    url = section.address(field)
    rules = egress_policy(section, section.allow)
    opener = http_opener(section, url, rules, field)
    token = section.token(field)
    header = token and SecretStr(f"{section.token_scheme} {token.get_secret_value()}")
    return TemplateSink(templates, url, header), opener
