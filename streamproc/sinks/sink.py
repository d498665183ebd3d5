"""Define a sink: it renders alerts as requests and classifies the answers. Pure: no I/O."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from streamproc.errors import ConfigError, StreamprocError
from streamproc.schemas.alerts import AlertEvent
from streamproc.sinks.retry import Verdict

TEST_DETECTOR: Final = "sinks_test"
"""Detector of the alerts that `streamproc sinks test` sends."""


class InvalidSinkError(ConfigError):
    """Settings of a sink are not valid, on whatever machine. Correct what the message names."""


class RenderError(StreamprocError):
    """An alert cannot be rendered, so that sending it again cannot help.

    Correct the template; `streamproc sinks test` tries it.
    """


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a receiver.

    Parameters
    ----------
    url
        Where to. Its path may be a secret.
    body
        What is sent.
    headers
        Additional headers of an HTTP request.
    secrets
        Texts that a receiver may repeat in its answer, and that logs must not show.
    """

    url: str = field(repr=False)
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """The response: its status, the beginning of its body, and its `Retry-After`."""

    status: int
    text: bytes
    retry_after: str | None = None


class Outcome(NamedTuple):
    """What an answer means for the alert, and the receiver's reason."""

    verdict: Verdict
    reason: str


class Sink(Protocol):
    """A destination of alerts with a format and error codes of its receiver.

    A sink is called for one alert at a time: `render`, then `classify` with the answer. After
    `Verdict.MORE` it is asked for the next request of the same alert.
    """

    def render(self, alert: AlertEvent, value: bytes) -> Request:
        """Return the next request for an alert.

        Parameters
        ----------
        alert
            The alert.
        value
            The record that it was read from; it may have fields of a later version.

        Raises
        ------
        RenderError
            If that is not possible for this alert.
        """
        ...

    def classify(self, answer: Answer) -> Outcome:
        """Decide what the answer to the last request means."""
        ...


Send = Callable[[Request], Awaitable[Answer]]
"""Sends a request. It raises `StreamprocError` if the receiver does not answer."""

OpenSend = Callable[[], AbstractAsyncContextManager[Send]]
"""Opens the connection pool of a sink, and yields its `Send`."""
