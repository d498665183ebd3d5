"""Ask a receiver of CloudEvents to retrain models."""

import base64
import hmac
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from alert_factory import alert
from sinks.strict import Posted, deliver, strict_receiver

from streamproc.config.load import load
from streamproc.errors import ConfigError
from streamproc.schemas.alerts import AlertEvent
from streamproc.sinks.targets import Target, targets_of

KEY = b"k" * 32
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
ROUTES = [{"match": ["kind = concept"], "sinks": ["training"], "continue": True}]
SETTINGS = {
    "name": "training",
    "kind": "retrain",
    "url": "https://train.example.org/",
    "allow": ["train.example.org"],
}
REQUIRED = {"specversion", "id", "source", "type"}


def check(posted: Posted) -> tuple[int, str]:
    """Refuse what a receiver of CloudEvents refuses: of another type, unsigned, or incomplete."""
    headers, event = posted.headers, posted.body
    if headers["Content-Type"] != "application/cloudevents+json; charset=utf-8":
        return 415, "expected a CloudEvent in structured mode"
    if not event.keys() >= REQUIRED or not all(event[name] for name in REQUIRED):
        return 400, f"missing {sorted(REQUIRED - event.keys())}"
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    signature = base64.b64encode(hmac.digest(KEY, text, "sha256")).decode()
    if headers["webhook-signature"] != f"v1,{signature}":
        return 401, "the signature does not match"
    return 202, ""


def error(number: int = 1, status: str = "firing", **fields: Any) -> AlertEvent:
    """Return an alert about the errors of a model."""
    usual = {
        "incident_id": "i1",
        "status": status,
        "kind": "concept",
        "series": "error",
        "owner": "risk",
        "source": {"topic": "outcomes", "partition": 3, "offset": 12_000 + 100 * number},
    }
    return alert(f"a{number}", **(usual | fields))


def target(**fields: Any) -> Target:
    """Return the target of the sink."""
    [found] = targets_of(load({"sinks": [SETTINGS | fields], "routes": ROUTES}))
    return found


def sent(target: Target, alerts: Iterable[AlertEvent]) -> list[AlertEvent]:
    """Return what the sink sends."""
    reader, found = target.reader(), []
    for one in alerts:
        chosen = reader.read(one.to_json())
        if chosen is not None:
            reader.handled(chosen)
            found.append(chosen)
    return found


async def test_a_model_is_retrained_once_for_an_incident(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signed event has the model, the cause, the incident and the offsets since the change."""
    monkeypatch.setenv("SECRET", SECRET)
    before, after = {"n": 2000, "mean": 0.05, "std": 0.2}, {"n": 160, "mean": 0.4, "std": 0.5}
    first = error(change_point={"offset": 12_000}, model_version="7", before=before, after=after)
    async with strict_receiver(pair, check) as receiver:
        section = receiver.settings("retrain", url=f"{receiver.url}/") | {"secret_env": "SECRET"}
        section |= {"allow": [f"127.0.0.1:{receiver.port}"], "name": "training"}
        del section["once"]
        [found] = targets_of(load({"sinks": [section], "routes": ROUTES}))
        done = await deliver(
            found, first, error(2, "updated"), error(3), error(4, incident_id="i2", model_id="ads")
        )
    assert receiver.refused == []
    assert done.count("delivered") == 2
    one, other = [posted.body for posted in receiver.accepted]
    data = one.pop("data")
    assert one == {
        "specversion": "1.0",
        "id": "i1-retrain",
        "source": "/streamproc",
        "type": "io.streamproc.retrain",
        "subject": "fraud",
        "time": "2026-01-05T10:00:00.000000Z",
        "datacontenttype": "application/json",
    }
    assert data.pop("cause") == {
        "kind": "concept",
        "series": "error",
        "segment": None,
        "detector": "adwin",
        "message": "amount rose from 41.2 to 4120",
        "before": before,
        "after": after,
    }
    window = {"topic": "outcomes", "partition": 3, "first_offset": 12_000, "last_offset": 12_100}
    assert data == {
        "model_id": "fraud",
        "model_version": "7",
        "incident_id": "i1",
        "severity": "warning",
        "owner": "risk",
        "window": window,
    }
    assert (other["subject"], other["data"]["window"]["first_offset"]) == ("ads", None)


def test_it_hears_only_of_what_a_route_matches() -> None:
    """What no route matches goes to every other sink, and retrains nothing."""
    pager = {**SETTINGS, "name": "pager", "kind": "template", "body": "{}", "once": "alert"}
    training, other = targets_of(load({"sinks": [SETTINGS, pager], "routes": ROUTES}))
    assert not training.wants(alert("a"))
    assert other.wants(alert("a"))
    assert training.wants(error())


def test_it_can_wait_until_the_new_level_is_stable() -> None:
    """The window begins where the first alert of the incident dates its earliest change."""
    alerts = [
        error(1, change_point={"offset": 12_050}),
        error(2, series="metric:accuracy", change_point={"offset": 11_900}),
        error(3, "updated"),
        error(4, "settled"),
        error(5, "settled", series="metric:accuracy"),
    ]
    [found] = sent(target(statuses=["settled"]), alerts)
    assert (found.alert_id, found.change_point and found.change_point.offset) == ("a4", 11_900)


def test_offsets_of_another_partition_are_no_part_of_the_window() -> None:
    """A change that is dated in another topic does not begin the window."""
    source = {"topic": "predictions", "partition": 3, "offset": 500}
    alerts = [error(1, source=source, change_point={"offset": 400}), error(2, "settled")]
    [found] = sent(target(statuses=["settled"]), alerts)
    assert found.change_point is None


def test_a_restart_sends_nothing_again() -> None:
    """Wherever the worker was killed, each incident is sent once."""
    alerts = [error(1), error(2, "updated"), error(3, incident_id="i2"), error(4)]
    for cut in range(len(alerts) + 1):
        reader = target().reader()
        for one in alerts[:cut]:
            reader.remember(one.to_json())
        reader.remember(b"not an alert")
        after = [one for one in alerts[cut:] if _reads(reader, one)]
        complete = [alerts[0], alerts[2]]
        assert after == [one for one in complete if one in alerts[cut:]]


def _reads(reader: Any, one: AlertEvent) -> bool:
    found = reader.read(one.to_json())
    if found is not None:
        reader.handled(found)
    return found is not None


def test_a_request_that_failed_is_sent_again_with_the_same_id() -> None:
    """Until it is delivered or dropped, the first alert of the incident counts."""
    reader, one = target().reader(), error()
    assert reader.read(one.to_json()) == reader.read(one.to_json()) == one
    reader.handled(one)
    assert reader.read(one.to_json()) is None


def test_a_test_has_another_type() -> None:
    """`streamproc sinks test` retrains nothing by mistake."""
    request = target().sink.render(error(detector="sinks_test"), b"")
    assert json.loads(request.body)["type"] == "io.streamproc.retrain.test"


@pytest.mark.parametrize(
    ("fields", "routes", "message"),
    [
        ({}, [], "sinks[0].name: no entry of `routes` leads to it: it hears of nothing"),
        ({"statuses": ["resolved"]}, ROUTES, "sinks[0].statuses[0]: expected 'firing', 'updated'"),
        ({"statuses": []}, ROUTES, "sinks[0].statuses: expected at least one"),
    ],
)
def test_a_sink_that_would_never_send_is_refused(
    fields: dict[str, Any], routes: list[Any], message: str
) -> None:
    """The error names the key of the config."""
    with pytest.raises(ConfigError) as caught:
        load({"sinks": [SETTINGS | fields], "routes": routes})
    assert message in str(caught.value)
