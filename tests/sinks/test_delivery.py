"""What becomes of an alert that is taken to a target, by clocks that the test moves."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alert_factory import alert
from prometheus_client import CollectorRegistry
from sinks.receiver import certificate, receiving

from streamproc.config.load import load
from streamproc.sinks.delivery import DONE, LEFT_OUT, Delivery, DeliveryResult
from streamproc.sinks.http_post import PostError
from streamproc.sinks.metrics import WebhookMetrics
from streamproc.sinks.sink import Answer, Request
from streamproc.sinks.targets import targets_of
from streamproc.sinks.webhook import WebhookSink

START = 1_767_600_000.0
URL = "https://hooks.example.org/T0KEN"


class Stage:
    """A delivery to a target that this test plays.

    Parameters
    ----------
    answers
        What the target does, one after another; the last one for ever.
    fields
        Of the webhook.
    """

    def __init__(self, *answers: Answer | Exception, **fields: Any) -> None:
        self.now = START
        self.steady_offset = 0.0
        self.answers = list(answers) or [Answer(200, b"")]
        self.sent: list[bytes] = []
        self.registry = CollectorRegistry()
        said = {"name": "pager", "url": URL, "allow": ["hooks.example.org"], **fields}
        [target] = targets_of(load({"webhooks": [said]}))
        counts = WebhookMetrics(self.registry).of("pager")
        clock: Callable[[], float] = lambda: self.now  # noqa: E731
        steady: Callable[[], float] = lambda: self.now + self.steady_offset  # noqa: E731
        self.delivery = Delivery(target, self._post, counts, clock, steady)

    async def take(self, alert_id: str = "a", age: float = 0.0, **fields: Any) -> DeliveryResult:
        """Take an alert that was published so many seconds before the start."""
        return await self.delivery.take(alert(alert_id, **fields).to_json(), START - age)

    def counted(self, name: str, **labels: str) -> float:
        """Return what was counted."""
        found = self.registry.get_sample_value(
            f"streamproc_webhook_{name}", {"webhook": "pager", **labels}
        )
        assert found is not None
        return found

    async def _post(self, request: Request) -> Answer:
        assert request.url == URL
        self.sent.append(request.body)
        answer = self.answers[min(len(self.sent), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_an_alert_is_sent_as_it_is() -> None:
    """The body is the record, byte for byte, with what a later version may have added."""
    stage = Stage()
    body = alert().to_json()[:-1] + b', "later": 1}'
    assert await stage.delivery.take(body, START) == DONE
    assert stage.sent == [body]
    assert stage.counted("delivered_total") == 1


async def test_what_is_not_wanted_is_not_sent() -> None:
    """An alert of another model goes nowhere, and is no drop."""
    stage = Stage(models=["other"])
    assert await stage.take() == LEFT_OUT
    assert stage.sent == []
    assert stage.counted("delivered_total") == 0


@pytest.mark.parametrize(
    "failure",
    [Answer(500, b""), Answer(429, b""), PostError("no answer within 10 s"), ValueError("odd")],
    ids=str,
)
async def test_a_target_that_fails_is_tried_again(
    failure: Answer | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Pauses double, nothing is sent within them, and the target gets it when it is back."""
    stage = Stage(failure, failure, failure, Answer(200, b""))
    assert await stage.take() == DeliveryResult(1.0, final=False)
    assert await stage.take("b") == DeliveryResult(
        1.0, final=False
    )  # nor any other alert meanwhile
    assert len(stage.sent) == 1
    for pause in (2.0, 4.0):
        stage.now += pause / 2
        assert await stage.take() == DeliveryResult(pause, final=False)
    stage.now += 4.0
    assert await stage.take() == DONE
    assert stage.counted("failures_total") == 3
    assert stage.counted("delivered_total") == 1
    assert "'a'" in caplog.text
    assert "T0KEN" not in caplog.text


async def test_a_target_says_when_to_come_again() -> None:
    """`Retry-After` is heeded, up to two minutes."""
    stage = Stage(Answer(429, b"", "30"), Answer(503, b"", "86400"))
    assert await stage.take() == DeliveryResult(30.0, final=False)
    stage.now += 30
    assert await stage.take() == DeliveryResult(120.0, final=False)


async def test_an_alert_that_waited_for_too_long(caplog: pytest.LogCaptureFixture) -> None:
    """After `give_up_after` an alert is dropped, counted and named, and the next has its turn."""
    stage = Stage(Answer(500, b""), give_up_after="5s")
    assert await stage.take() == DeliveryResult(1.0, final=False)
    stage.now += 4.5
    assert await stage.take() == DeliveryResult(
        0.5, final=False
    )  # no pause is longer than what is left
    stage.now += 0.25
    assert await stage.take() == DeliveryResult(0.25, final=False)
    stage.now -= 0.25
    stage.now += 0.5
    assert await stage.take() == DONE
    assert len(stage.sent) == 2
    assert stage.counted("dropped_total", reason="gave_up") == 1
    assert "alert 'a' dropped: gave_up: not delivered within 5s" in caplog.text
    stage.answers = [Answer(200, b"")]
    stage.now += 60
    assert await stage.take("b", age=-65.0) == DONE
    assert stage.counted("delivered_total") == 1


async def test_what_waited_while_nobody_ran_is_sent() -> None:
    """An alert older than `give_up_after` when the worker starts still has its time."""
    stage = Stage(Answer(500, b""), Answer(200, b""), give_up_after="1h")
    assert await stage.take(age=86_400.0) == DeliveryResult(1.0, final=False)
    stage.now += 1
    assert await stage.take(age=86_400.0) == DONE
    assert stage.counted("delivered_total") == 1


async def test_a_slow_clock_of_the_publisher_gives_up_nothing() -> None:
    """An alert that seems to be older than `give_up_after` has all of its time from its first try.

    Its worker's clock may be slow, or this machine was suspended: it was never tried.
    """
    stage = Stage(Answer(200, b""), Answer(500, b""), Answer(200, b""), give_up_after="1h")
    stage.now += 7200  # ours or theirs is off, or all of that was slept through
    assert await stage.take("a", age=3600.0) == DONE
    assert await stage.take("b", age=3600.0) == DeliveryResult(1.0, final=False)
    stage.now += 1800
    stage.steady_offset -= 1799  # all but a second of it the machine was suspended
    assert await stage.take("b", age=3600.0) == DONE
    assert stage.counted("delivered_total") == 2


async def test_a_clock_that_jumps_gives_up_nothing() -> None:
    """A wall clock set a day ahead between two tries does not end an alert."""
    stage = Stage(Answer(500, b""), Answer(200, b""), give_up_after="1h")
    assert await stage.take() == DeliveryResult(1.0, final=False)
    stage.now += 86_400
    stage.steady_offset -= 86_399
    assert await stage.take() == DONE
    assert stage.counted("delivered_total") == 1


async def test_what_is_old_for_a_target_that_is_dead_is_tried_once() -> None:
    """Of a queue of an hour ago each alert is tried once and dropped; a new one has its time."""
    stage = Stage(Answer(500, b""), give_up_after="5s")
    assert await stage.take("first") == DeliveryResult(1.0, final=False)
    stage.now += 5
    assert await stage.take("first") == DONE
    for name in ("old1", "old2", "old3"):
        stage.now += 0.1
        assert await stage.take(name) == DONE
    assert len(stage.sent) == 4
    stage.now += 60
    assert (await stage.take("new", age=-65.0)).again_in is not None
    assert stage.counted("dropped_total", reason="gave_up") == 4


@pytest.mark.parametrize("status", [400, 404, 410])
async def test_what_is_refused_is_not_sent_again(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """An alert that the target refuses is dropped at once, and the next one goes on."""
    stage = Stage(Answer(status, b""), Answer(200, b""))
    assert await stage.take("a") == DONE
    assert await stage.take("b") == DONE
    assert stage.counted("dropped_total", reason="refused") == 1
    assert stage.counted("delivered_total") == 1
    assert f"alert 'a' dropped: refused: answered {status}" in caplog.text


async def test_a_large_alert_is_not_sent() -> None:
    """An alert beyond `max_bytes` is dropped at once."""
    stage = Stage(max_bytes="1KiB")
    assert await stage.take(message="x" * 1024) == DONE
    assert stage.sent == []
    assert stage.counted("dropped_total", reason="too_large") == 1


async def test_a_record_that_is_no_alert_is_passed_over() -> None:
    """What somebody else wrote into the topic stops nobody."""
    stage = Stage()
    for value in (b"", b"{}", b"\xff", b"[" * 10_000):
        assert await stage.delivery.take(value, START) == DONE
    assert stage.sent == []
    assert stage.counted("dropped_total", reason="unreadable") == 4


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
async def test_a_server_gets_it_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real server gets body and signature, is asked again when it wants, and then has it."""
    monkeypatch.setenv("SECRET", "s" * 32)
    pair = certificate(tmp_path, "IP:127.0.0.1")
    async with receiving(pair, 503, 200, headers={"Retry-After": "3"}) as receiver:
        said = receiver.section("pager", secret_env="SECRET")  # noqa: S106  a variable's name
        [target] = targets_of(load({"webhooks": [said]}))
        counts = WebhookMetrics(CollectorRegistry()).of("pager")
        now = [START]
        async with target.open_send() as post:
            delivery = Delivery(target, post, counts, lambda: now[0], lambda: now[0])
            body = alert().to_json()
            assert await delivery.take(body, START) == DeliveryResult(3.0, final=False)
            now[0] += 3
            assert await delivery.take(body, START) == DONE
    assert isinstance(target.sink, WebhookSink)
    for headers, got in receiver.got:
        assert got == body
        assert headers["Content-Type"] == "application/json"
        assert (
            headers["X-Streamproc-Signature"]
            == target.sink.headers("a1", body)["X-Streamproc-Signature"]
        )
