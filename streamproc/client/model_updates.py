"""Follow online models, and predict with them in this process."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from fnmatch import fnmatchcase
from types import TracebackType
from typing import Any, Final, Self

from streamproc.client.local_model import LocalAnswer, LocalModel, NoModelError
from streamproc.client.model_states import ModelState, ModelStates
from streamproc.client.reading import TopicReader, TopicSpec
from streamproc.client.settings import Source, settle_client
from streamproc.schemas.model_updates import ModelUpdate

UPDATES: Final = TopicSpec[ModelUpdate](
    "model_updates",
    "a model update",
    "model updates",
    ModelUpdate.from_json,
    lambda update: update.update_id,
)
# Updates buffered for iteration; the oldest are dropped, which does not affect the models.
_WAITING: Final = 10_000


class ModelUpdates:
    """Online models in this process, updated from the topic.

    On entry it reads the topic to its end; then it follows, and `predict` returns the same values
    as the worker's `online-predictions`. It loads plain numbers only, never code. ``async for``
    yields each update once it is applied: with `follow` those after the entry, without it all
    existing ones, and then it ends.

    Parameters
    ----------
    broker
        ``kafka://host:port``, with further hosts after commas; None means what `config` says.
    config
        Path of a config file, a dict, or a Config: for a topic of another name, TLS and SASL.
    follow
        Whether to follow the topic after its current end.
    model
        Only models whose id matches this glob (``*``, ``?``, ``[…]``).
    since
        Only updates published at this time or later; it must have a time zone. Models that learned
        nothing since then are missing.

    Raises
    ------
    ConfigError
        When the broker or the config cannot be used.
    BrokerUnreachableError, BrokerAuthError
        On entry, if the cluster does not answer within 10 s, or rejects the login; without
        `follow` also if it stops answering.
    TopicError
        On entry, when the topic does not exist; with `follow` it is created.

    Examples
    --------
    >>> async def main() -> None:
    ...     async with ModelUpdates("kafka://localhost:9092", model="fraud") as models:
    ...         answer = models.predict("fraud", {"amount": 12.5})
    ...         print(answer.probabilities, answer.version)
    """

    def __init__(
        self,
        broker: str | None = None,
        *,
        config: Source = None,
        follow: bool = True,
        model: str = "*",
        since: datetime | None = None,
    ) -> None:
        self._reader = TopicReader(settle_client(broker, config), UPDATES, since)
        self._follow = follow
        self._model = model
        self._states = ModelStates()
        self._models: dict[tuple[str, Any], LocalModel] = {}
        self._waiting: asyncio.Queue[ModelUpdate] = asyncio.Queue(_WAITING)
        self._following: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._reader.open(create=self._follow)
        if self._follow:
            async for update in self._reader.to_the_end():
                self._apply(update)
            self._following = asyncio.create_task(self._keep_up())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._following is not None:
            self._following.cancel()
            with suppress(asyncio.CancelledError):
                await self._following
        await self._reader.close()

    async def __aiter__(self) -> AsyncIterator[ModelUpdate]:
        if self._following is not None:
            while True:
                yield await self._next(self._following)
        async for update in self._reader.to_the_end():
            if self._apply(update):
                yield update

    @property
    def lives(self) -> Iterator[ModelState]:
        """The state of each model and segment: its versions, and which one serves."""
        return iter(self._states)

    def get(self, model_id: str, tags: Mapping[str, str] | None = None) -> LocalModel | None:
        """Return the current model; later updates do not change it.

        Parameters
        ----------
        model_id
            Which model.
        tags
            Tags of the event; they select among the models of a config with ``per``.

        Returns
        -------
        LocalModel or None
            None before its first update.

        Raises
        ------
        NoParametersError
            If the model has no plain parameters, such as an ensemble.
        """
        life = self._states.get(model_id, tags)
        if life is None or life.answering is None:
            return None
        place = life.model_id, life.segment
        update = life.answering.plain or life.answering.last
        model = self._models.get(place)
        if model is None or (model.version, model.learned) != (update.version, update.learned):
            model = self._models[place] = LocalModel.of(update)
        return model

    def predict(
        self, model_id: str, features: Mapping[str, Any], tags: Mapping[str, str] | None = None
    ) -> LocalAnswer:
        """Predict with the current model; parameters as in `get`.

        Raises
        ------
        NoModelError
            Before its first update.
        NoParametersError
            If the model has no plain parameters.
        """
        model = self.get(model_id, tags)
        if model is None:
            raise NoModelError(
                f"no update of an online model {model_id!r} with tags {dict(tags or {})} has come:"
                " check `online:` in the worker's config, and that labels arrive"
            )
        return model.predict(features)

    def _apply(self, update: ModelUpdate) -> bool:
        if not fnmatchcase(update.model_id, self._model):
            return False
        self._states.apply(update)
        return True

    async def _keep_up(self) -> None:
        async for update in self._reader.endless():
            if self._apply(update):
                if self._waiting.full():
                    self._waiting.get_nowait()
                self._waiting.put_nowait(update)

    async def _next(self, following: "asyncio.Task[None]") -> ModelUpdate:
        """Wait for an update, or raise the error that stopped the follower."""
        getting = asyncio.ensure_future(self._waiting.get())
        try:
            await asyncio.wait({getting, following}, return_when=asyncio.FIRST_COMPLETED)
            if not getting.done():
                following.result()
            return await getting
        finally:
            getting.cancel()
