"""Send alerts as e-mails.

All e-mails of an incident are one thread: each refers to the incident's own message id. A server
answers 2xx, 4xx for a failure that may pass, or 5xx for one that stays.
https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1
https://www.rfc-editor.org/rfc/rfc5322#section-3.6.4
"""

import hashlib
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from streamproc.config.sinks.email import EmailSection
from streamproc.schemas.alerts import AlertEvent
from streamproc.sinks.answers import describe_answer
from streamproc.sinks.retry import Verdict
from streamproc.sinks.sink import Answer, OpenSend, Outcome, Request
from streamproc.sinks.smtp import Login, smtp_opener
from streamproc.sinks.texts import facts, shorten, title
from streamproc.terminal import printable

MAX_SUBJECT: Final = 200
_PRIORITY: Final = {"info": "5", "warning": "3", "critical": "1"}


@dataclass(frozen=True, slots=True)
class EmailSink:
    """Send one e-mail for each alert.

    Parameters
    ----------
    section
        Server, sender and recipients.
    """

    section: EmailSection

    def render(self, alert: AlertEvent, value: bytes) -> Request:  # noqa: ARG002  the protocol
        """Return the message of an alert."""
        domain = self.section.sender.rpartition("@")[2]
        message = EmailMessage(policy=policy.SMTP)
        message["From"] = self.section.sender
        message["To"] = ", ".join(self.section.to)
        message["Subject"] = shorten(printable(title(alert)), MAX_SUBJECT)
        message["Date"] = format_datetime(alert.detected_at)
        message["Message-ID"] = _message_id(alert.alert_id, domain)
        message["References"] = message["In-Reply-To"] = _message_id(alert.incident_id, domain)
        message["X-Priority"] = _PRIORITY[alert.severity]
        message["Auto-Submitted"] = "auto-generated"
        lines = [alert.message, "", *(f"{name}: {text}" for name, text in facts(alert).items())]
        message.set_content("\n".join(lines), cte="quoted-printable")  # any server takes it
        return Request(f"smtp://{self.section.host}:{self.section.port}", message.as_bytes())

    def classify(self, answer: Answer) -> Outcome:
        """Decide by the class of the SMTP code."""
        verdicts = {2: Verdict.DELIVERED, 5: Verdict.REFUSED}
        return Outcome(verdicts.get(answer.status // 100, Verdict.LATER), describe_answer(answer))


def _message_id(name: str, domain: str) -> str:
    digest = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
    return f"<{digest}.streamproc@{domain}>"


def build_email(section: EmailSection, field: str) -> tuple[EmailSink, OpenSend]:
    """Read the password, and check the certificates.

    Raises
    ------
    ConfigError
        If the password or the certificates are missing on this machine.
    """
    password = section.password(field)
    login = None
    if section.username is not None and password is not None:
        login = Login(section.username, password)
    return EmailSink(section), smtp_opener(section, login, field)
