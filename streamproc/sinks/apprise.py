"""Send alerts by a plug-in of Apprise, for receivers that have no sink here.

A plug-in returns whether it succeeded; its log has the reason and, for HTTP, the status.
https://github.com/caronc/apprise/wiki/Development_API
"""

import asyncio
import json
import logging
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from pydantic import SecretStr

from streamproc.config.sinks.apprise import AppriseSection
from streamproc.errors import StreamprocError, extras_named
from streamproc.schemas.alerts import AlertEvent, Severity
from streamproc.sinks.answers import MIN_SECRET, describe_answer
from streamproc.sinks.retry import Verdict, judge
from streamproc.sinks.sink import Answer, InvalidSinkError, OpenSend, Outcome, Request, Send
from streamproc.sinks.texts import facts, title
from streamproc.terminal import printable

_TYPES: Final[dict[Severity, str]] = {"info": "info", "warning": "warning", "critical": "failure"}
_STATUS: Final = re.compile(r"error=(\d{3})\b")
_PARTS: Final = re.compile(r"[^/:@?&=]+")
_UNKNOWN: Final = 0
"""Status of a failure for which the plug-in gives none."""


class AppriseError(StreamprocError):
    """It is unknown whether a notification was delivered. Send it again later."""


@dataclass(frozen=True, slots=True)
class AppriseSink:
    """Write a notification for each alert.

    Parameters
    ----------
    url
        The URL of Apprise.
    """

    url: SecretStr

    def render(self, alert: AlertEvent, value: bytes) -> Request:  # noqa: ARG002  the protocol
        """Return title, text and type of a notification."""
        lines = [alert.message, "", *(f"{name}: {text}" for name, text in facts(alert).items())]
        is_over = alert.status in {"resolved", "acknowledged"}
        over = "success" if alert.status == "resolved" else "info"
        body = {
            "title": printable(title(alert)),
            "body": "\n".join(lines),
            "notify_type": over if is_over else _TYPES[alert.severity],
        }
        url = self.url.get_secret_value()
        return Request(url, json.dumps(body).encode(), secrets=_secrets_in(url))

    def classify(self, answer: Answer) -> Outcome:
        """Decide by the HTTP status, if the plug-in gives one; else it may succeed later."""
        if answer.status != _UNKNOWN:
            return Outcome(judge(answer.status), describe_answer(answer))
        reason = answer.text.decode(errors="replace") or "the plug-in gives no reason"
        return Outcome(Verdict.LATER, f"not delivered: {printable(reason)}")


def build_apprise(section: AppriseSection, field: str) -> tuple[AppriseSink, OpenSend]:
    """Read the URL, and check that a plug-in knows it.

    Raises
    ------
    MissingExtraError
        If Apprise is not installed.
    ConfigError
        If the URL is missing on this machine, or no plug-in knows it. It is not repeated.
    """
    with extras_named():
        import apprise  # noqa: PLC0415  an extra
    url = section.address(field)
    key = "url_env" if section.url_env is not None else "url_file"
    with _reasons():  # its log repeats the URL
        service = apprise.Apprise.instantiate(url.get_secret_value())
    if service is None:
        raise InvalidSinkError(f"{field}.{key}: Apprise knows no such URL, or parts are missing")
    seconds = section.timeout.total_seconds()
    service.socket_connect_timeout = service.socket_read_timeout = seconds

    @asynccontextmanager
    async def open_send() -> AsyncIterator[Send]:
        async def send(request: Request) -> Answer:
            work = asyncio.to_thread(_notify, service, request.body)
            try:
                return await asyncio.wait_for(work, seconds)
            except TimeoutError as error:
                raise AppriseError(f"no answer within {seconds:.0f} s") from error

        yield send

    return AppriseSink(url), open_send


def _notify(service: Any, body: bytes) -> Answer:
    """Send a notification, and return what the plug-in's log says of it."""
    import apprise  # noqa: PLC0415  an extra

    fields = json.loads(body)
    kind = apprise.NotifyType(fields.pop("notify_type"))
    with _reasons() as found:
        is_sent = service.notify(**fields, notify_type=kind)
    text = " ".join(found)
    status = _STATUS.search(text)
    failed = _UNKNOWN if status is None else int(status[1])
    return Answer(200, b"") if is_sent else Answer(failed, text.encode())


@contextmanager
def _reasons() -> Iterator[list[str]]:
    """Collect what this thread logs by Apprise, in place of the log: it may hold secrets."""
    found: list[str] = []
    thread = threading.get_ident()

    def collect(record: logging.LogRecord) -> bool:
        if record.thread != thread:
            return True
        if record.levelno >= logging.WARNING:
            found.append(record.getMessage())
        return False

    log = logging.getLogger("apprise")
    log.addFilter(collect)
    try:
        yield found
    finally:
        log.removeFilter(collect)


def _secrets_in(url: str) -> tuple[str, ...]:
    """Return the parts of a URL of Apprise that may be secrets."""
    parts = _PARTS.findall(url.partition("://")[2])
    return tuple(part for part in parts if len(part) >= MIN_SECRET)
