"""Deliver alerts to one sink, with retries and a deadline."""

import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from pydantic import ValidationError

from streamproc.errors import StreamprocError
from streamproc.incidents.standing import Standing
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.units import format_duration
from streamproc.sinks.answers import redact
from streamproc.sinks.http_post import RequestTooLargeError
from streamproc.sinks.metrics import Counts, Dropped
from streamproc.sinks.retry import Backoff, Verdict, asked_seconds
from streamproc.sinks.sink import Answer, Outcome, RenderError, Send, Sink
from streamproc.sinks.targets import Target

# Overdue alerts for a failing target are tried once each, with at least this pause.
OVERDUE_SECONDS: Final = 0.1
# Of one alert: a sink that asks for more would otherwise send without a pause.
MAX_REQUESTS: Final = 8
# One alert per partition is in progress at a time.
MAX_FIRST_TRIES: Final = 1000

_log = logging.getLogger(__name__)


class DeliveryResult(NamedTuple):
    """The result of an attempt to deliver an alert.

    `again_in` is None when the alert is done, otherwise the seconds until the next attempt;
    `final` tells whether it was delivered or dropped, so that its offset must be committed at once.
    """

    again_in: float | None
    final: bool


class Taken(NamedTuple):
    """What became of an alert that is done.

    `dropped` is the reason why it was dropped; None: it was delivered.
    """

    alert: AlertEvent
    dropped: str | None


DONE: Final = DeliveryResult(None, final=True)
LEFT_OUT: Final = DeliveryResult(None, final=False)
StandingOf = Callable[[AlertEvent], Awaitable[Standing]]
"""Returns the incident of an alert, and whether it is silenced."""


async def no_standing(_: AlertEvent) -> Standing:
    """Return that nothing is known of an alert."""
    return Standing()


async def deliver_once(
    sink: Sink, send: Send, alert: AlertEvent, value: bytes
) -> tuple[Answer, Outcome]:
    """Send the requests of an alert, until the sink wants no further one.

    Returns
    -------
    tuple
        The last answer, and what it means; secrets are hidden in the reason.

    Raises
    ------
    StreamprocError
        If the receiver does not answer.
    """
    for _ in range(MAX_REQUESTS):
        request = sink.render(alert, value)
        answer = await send(request)
        verdict, reason = sink.classify(answer)
        if verdict is not Verdict.MORE:
            return answer, Outcome(verdict, redact(reason, request.secrets))
    return answer, Outcome(Verdict.LATER, f"not done after {MAX_REQUESTS} requests: {reason}")


class Delivery:
    """Deliver alerts to one target.

    It only stores the target's backoff, when each alert was first tried, and what its receiver
    knows of incidents: the caller holds the alert.

    Parameters
    ----------
    target
        The sink, and which alerts it gets.
    send
        Sends requests.
    counts
        Metrics of the sink.
    clock
        Seconds since 1970.
    steady
        Seconds of a monotonic clock.
    standing
        Returns whether an alert is silenced.

    Attributes
    ----------
    taken
        What became of the last alert; None: it is not done, was not selected, or is unreadable.
    """

    def __init__(
        self,
        target: Target,
        send: Send,
        counts: Counts,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        standing: StandingOf = no_standing,
    ) -> None:
        self._standing = standing
        self._target = target
        self._name = target.settings.name
        self._send = send
        self._counts = counts
        self._clock = clock
        self._steady = steady
        self._patience = Backoff()
        self._reader = target.reader()
        self.taken: Taken | None = None
        self._first_tries: dict[str, float] = {}
        self._failing_since: float | None = None
        self._last_try = float("-inf")

    async def take(self, value: bytes, published: float) -> DeliveryResult:
        """Send an alert, if it is selected and its next attempt is due.

        Parameters
        ----------
        value
            Value of its record.
        published
            Timestamp of its record, in seconds since 1970.
        """
        self.taken = None
        try:
            alert = self._reader.read(value)
        except ValidationError as error:
            return self._drop(Dropped.UNREADABLE, None, f"{error.error_count()} validation errors")
        if alert is None:
            return LEFT_OUT
        reason = (await self._standing(alert)).muted(alert)
        if reason is not None:
            _log.info("sink %s: alert %.80r is %s", self._name, alert.alert_id, reason)
            self._first_tries.pop(alert.alert_id, None)
            return LEFT_OUT
        most = self._target.settings.max_bytes
        if len(value) > most:
            return self._drop(
                Dropped.TOO_LARGE, alert, f"{len(value)} bytes exceed the limit of {most}"
            )
        return await self._try_in_time(alert, value, published)

    def remember(self, value: bytes) -> None:
        """Take note of a record that was handled before this process read the topic."""
        self._reader.remember(value)

    async def _try_in_time(
        self, alert: AlertEvent, value: bytes, published: float
    ) -> DeliveryResult:
        # Measured from the first attempt by a monotonic clock, which stops while the machine is
        # suspended: an alert that was never tried is not dropped.
        now, patience = self._steady(), self._target.settings.give_up_after.total_seconds()
        first = self._first_tries.get(alert.alert_id)
        left = patience if first is None else first + patience - now
        if left <= 0:
            return self._give_up(alert)
        wait = self._patience.left(now)
        overdue = self._overdue(published, now)
        if overdue and first is None:
            wait = min(wait, max(0.0, self._last_try + OVERDUE_SECONDS - now))
        if wait > 0:
            return DeliveryResult(min(wait, left), final=False)
        self._last_try = now
        result = await self._try(alert, value, left)
        if result.again_in is None:
            return result
        return self._give_up(alert) if overdue else result

    def _overdue(self, published: float, now: float) -> bool:
        """Whether an alert is older than `give_up_after`, and its target has failed for as long."""
        patience = self._target.settings.give_up_after.total_seconds()
        failing = self._failing_since is not None and now - self._failing_since >= patience
        return failing and self._clock() - published >= patience

    def _give_up(self, alert: AlertEvent) -> DeliveryResult:
        waited = f"not delivered within {format_duration(self._target.settings.give_up_after)}"
        return self._drop(Dropped.GAVE_UP, alert, waited)

    async def _try(self, alert: AlertEvent, value: bytes, left: float) -> DeliveryResult:
        try:
            answer, outcome = await deliver_once(self._target.sink, self._send, alert, value)
        except (RenderError, RequestTooLargeError) as error:  # it would fail again
            is_large = isinstance(error, RequestTooLargeError)
            reason = Dropped.TOO_LARGE if is_large else Dropped.REFUSED
            return self._drop(reason, alert, str(error))
        except StreamprocError as error:
            return self._failed(alert, str(error), 0.0, left)
        except Exception as error:  # noqa: BLE001  a receiver must not stop the worker
            return self._failed(alert, type(error).__name__, 0.0, left)
        if outcome.verdict is Verdict.LATER:
            asked = asked_seconds(answer.retry_after, datetime.fromtimestamp(self._clock(), UTC))
            return self._failed(alert, outcome.reason, asked, left)
        self._patience.answered()
        self._failing_since = None
        if outcome.verdict is Verdict.REFUSED:
            return self._drop(Dropped.REFUSED, alert, outcome.reason)
        self._counts.delivered()
        self._first_tries.pop(alert.alert_id, None)
        self._reader.handled(alert)
        self.taken = Taken(alert, None)
        return DONE

    def _failed(self, alert: AlertEvent, reason: str, asked: float, left: float) -> DeliveryResult:
        now = self._steady()
        pause = min(self._patience.failed(now, asked), left)
        self._counts.failed()
        if self._failing_since is None:
            self._failing_since = now
        self._first_tries.setdefault(alert.alert_id, now)
        if len(self._first_tries) > MAX_FIRST_TRIES:  # alerts of partitions that are no longer ours
            del self._first_tries[next(iter(self._first_tries))]
        _log.warning(
            "webhook %s: alert %.80r: %s; retrying in %.3g s",
            *(self._name, alert.alert_id, reason, pause),
        )
        return DeliveryResult(pause, final=False)

    def _drop(self, reason: Dropped, alert: AlertEvent | None, detail: str) -> DeliveryResult:
        self._counts.dropped(reason)
        if alert is not None:
            self._first_tries.pop(alert.alert_id, None)
            self._reader.handled(alert)
            self.taken = Taken(alert, f"{reason.value}: {detail}")
        what = (
            "a record that is not an alert" if alert is None else f"alert {alert.alert_id[:80]!r}"
        )
        _log.error("webhook %s: %s dropped: %s: %s", self._name, what, reason.value, detail)
        return DONE
