"""Provide blocking `Publisher`, `Alerts` and `ModelUpdates` for ``with`` and ``for``.

Parameters, errors and meaning are those of `streamproc.client`.

Examples
--------
>>> def main() -> None:
...     with Publisher("kafka://localhost:9092") as publisher:
...         publisher.prediction("fraud", {"amount": 12.5}, 0.93)
...     with Alerts("kafka://localhost:9092", follow=False) as alerts:
...         for alert in alerts:
...             print(alert.message)
"""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar

from streamproc.client import alerts as asynchronous_alerts
from streamproc.client import model_updates as asynchronous_updates
from streamproc.client import publisher as asynchronous_publisher
from streamproc.client.event_fields import EventId, Features, Tags, Time
from streamproc.client.local_model import LocalAnswer, LocalModel
from streamproc.client.loop import LoopThread
from streamproc.client.publisher import OnFull
from streamproc.client.settings import Source
from streamproc.schemas.alerts import AlertEvent, Kind
from streamproc.schemas.events import AnyEvent
from streamproc.schemas.model_updates import ModelUpdate

__all__ = ["Alerts", "ModelUpdates", "Publisher"]
T = TypeVar("T")


class Publisher:
    """Blocking `streamproc.client.Publisher`."""

    def __init__(
        self,
        broker: str | None = None,
        *,
        config: Source = None,
        max_pending: int = 10_000,
        on_full: OnFull = "block",
        timeout: float | None = None,
    ) -> None:
        self._publisher = asynchronous_publisher.Publisher(
            broker, config=config, max_pending=max_pending, on_full=on_full, timeout=timeout
        )
        self._thread = LoopThread()

    def __enter__(self) -> Self:
        _enter(self._thread, self._publisher)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._thread.run(self._publisher.__aexit__(kind, error, trace))
        finally:
            self._thread.stop()

    @property
    def sent(self) -> int:
        """Events that the cluster has confirmed."""
        return self._publisher.sent

    @property
    def refused(self) -> int:
        """Events that the cluster did not confirm, or that are larger than it allows."""
        return self._publisher.refused

    @property
    def dropped(self) -> int:
        """Events dropped because the queue was full."""
        return self._publisher.dropped

    def prediction(
        self,
        model_id: str,
        features: Features | None,
        prediction: Any,
        *,
        event_id: EventId | None = None,
        ts: Time | None = None,
        model_version: str | int | None = None,
        tags: Tags | None = None,
    ) -> None:
        """Send a prediction and the features that it was made from."""
        self._thread.run(
            self._publisher.prediction(
                model_id,
                features,
                prediction,
                event_id=event_id,
                ts=ts,
                model_version=model_version,
                tags=tags,
            )
        )

    def features(
        self,
        model_id: str,
        features: Features,
        *,
        event_id: EventId | None = None,
        ts: Time | None = None,
        model_version: str | int | None = None,
        tags: Tags | None = None,
    ) -> None:
        """Send features or a business metric."""
        self._thread.run(
            self._publisher.features(
                model_id,
                features,
                event_id=event_id,
                ts=ts,
                model_version=model_version,
                tags=tags,
            )
        )

    def label(
        self,
        model_id: str,
        event_id: EventId,
        label: Any,
        *,
        ts: Time | None = None,
    ) -> None:
        """Send the label of an earlier event."""
        self._thread.run(self._publisher.label(model_id, event_id, label, ts=ts))

    def send(self, event: AnyEvent | Mapping[str, Any]) -> None:
        """Send an event, or a mapping with its fields."""
        self._thread.run(self._publisher.send(event))

    def flush(self) -> None:
        """Wait until every record sent so far is confirmed."""
        self._thread.run(self._publisher.flush())


class Alerts:
    """Blocking `streamproc.client.Alerts` for a plain ``for``."""

    def __init__(
        self,
        broker: str | None = None,
        *,
        config: Source = None,
        follow: bool = True,
        model: str = "*",
        kinds: Collection[Kind] = (),
        since: datetime | None = None,
    ) -> None:
        self._alerts = asynchronous_alerts.Alerts(
            broker, config=config, follow=follow, model=model, kinds=kinds, since=since
        )
        self._thread = LoopThread()

    def __enter__(self) -> Self:
        _enter(self._thread, self._alerts)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._thread.run(self._alerts.__aexit__(kind, error, trace))
        finally:
            self._thread.stop()

    def __iter__(self) -> Iterator[AlertEvent]:
        waiting = aiter(self._alerts)
        while (alert := self._thread.run(_next(waiting))) is not None:
            yield alert


class ModelUpdates:
    """Blocking `streamproc.client.ModelUpdates`, which follows in a background thread."""

    def __init__(
        self,
        broker: str | None = None,
        *,
        config: Source = None,
        follow: bool = True,
        model: str = "*",
        since: datetime | None = None,
    ) -> None:
        self._updates = asynchronous_updates.ModelUpdates(
            broker, config=config, follow=follow, model=model, since=since
        )
        self._thread = LoopThread()

    def __enter__(self) -> Self:
        _enter(self._thread, self._updates)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._thread.run(self._updates.__aexit__(kind, error, trace))
        finally:
            self._thread.stop()

    def __iter__(self) -> Iterator[ModelUpdate]:
        waiting = aiter(self._updates)
        while (update := self._thread.run(_next(waiting))) is not None:
            yield update

    def get(self, model_id: str, tags: Mapping[str, str] | None = None) -> LocalModel | None:
        """Return the current model; later updates do not change it."""
        return self._thread.run(self._get(model_id, tags))

    def predict(
        self, model_id: str, features: Mapping[str, Any], tags: Mapping[str, str] | None = None
    ) -> LocalAnswer:
        """Predict with the current model."""
        return self._thread.run(self._predict(model_id, features, tags))

    # These run in the thread that applies updates, so that updates are atomic.

    async def _get(self, model_id: str, tags: Mapping[str, str] | None) -> LocalModel | None:
        return self._updates.get(model_id, tags)

    async def _predict(
        self, model_id: str, features: Mapping[str, Any], tags: Mapping[str, str] | None
    ) -> LocalAnswer:
        return self._updates.predict(model_id, features, tags)


async def _next(waiting: AsyncIterator[T]) -> T | None:
    return await anext(waiting, None)


def _enter(
    thread: LoopThread,
    client: asynchronous_publisher.Publisher
    | asynchronous_alerts.Alerts
    | asynchronous_updates.ModelUpdates,
) -> None:
    thread.start()
    try:
        thread.run(client.__aenter__())
    except BaseException:
        thread.stop()
        raise
