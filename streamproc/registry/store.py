"""Keep schemas by how records name them, and fetch those that are missing in the background."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final

from streamproc.config.config import Config
from streamproc.intake.errors import IntakeError
from streamproc.intake.frames import Schema, SchemaRef, Schemas
from streamproc.registry.errors import RegistryUnavailableError

#: Pauses between two tries to reach a registry.
FIRST_PAUSE_SECONDS: Final = 0.5
MAX_PAUSE_SECONDS: Final = 15.0
#: A schema may be registered after its first record, so an unknown one is asked for again.
UNKNOWN_SECONDS: Final = 30.0
MAX_SCHEMAS: Final = 5000

_log = logging.getLogger(__name__)
Fetch = Callable[[SchemaRef], Awaitable[Schema | IntakeError]]


class SchemaStore:
    """Schemas of a registry.

    Parameters
    ----------
    fetch
        Returns a schema, or why there is none; raises `RegistryUnavailableError`.

    Attributes
    ----------
    trouble : str or None
        Why no schema can be fetched at the moment.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._known: dict[SchemaRef, Schema | IntakeError] = {}
        self._refused: dict[SchemaRef, float] = {}  # since when
        self._wanted: dict[SchemaRef, None] = {}
        self._task: asyncio.Task[None] | None = None
        self.trouble: str | None = None

    def get(self, refs: Iterable[SchemaRef]) -> Schemas | None:
        """Return schemas; None while some of them are still to be fetched."""
        wanted = set(refs)
        missing = wanted - self._known.keys()
        if missing:
            self._wanted |= dict.fromkeys(sorted(missing))
            if self._task is not None and self._task.done():
                self._task.result()  # an error that is none of the registry's
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._fetch_all())
            return None
        found = {ref: self._known[ref] for ref in wanted}
        self._forget()
        return found

    def _forget(self) -> None:
        """Forget what was unknown some time ago, and the oldest ones of too many."""
        now = asyncio.get_running_loop().time()
        for ref in [r for r, since in self._refused.items() if now - since > UNKNOWN_SECONDS]:
            del self._refused[ref], self._known[ref]
        while len(self._known) > MAX_SCHEMAS:
            oldest = next(iter(self._known))
            del self._known[oldest]
            self._refused.pop(oldest, None)

    async def _fetch_all(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while self._wanted:
            ref = next(iter(self._wanted))
            try:
                found = await self._fetch(ref)
            except RegistryUnavailableError as error:
                if self.trouble is None:
                    _log.warning("intake is held until %s can be fetched: %s", ref, error)
                self.trouble = str(error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, MAX_PAUSE_SECONDS)
                continue
            if self.trouble is not None:
                _log.info("the schema registry answers again")
            self.trouble, pause = None, FIRST_PAUSE_SECONDS
            if isinstance(found, IntakeError):
                self._refused[ref] = asyncio.get_running_loop().time()
            self._known[ref] = found
            del self._wanted[ref]

    async def close(self) -> None:
        """Stop to fetch."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})


@asynccontextmanager
async def schema_store(config: Config) -> AsyncIterator[SchemaStore | None]:
    """Give a store for the configured registry; None if there is none.

    Raises
    ------
    MissingExtraError
        If the packages of the extra `registry` are not installed.
    ConfigError
        If the credentials are not where the configuration says.
    """
    if config.registry is None:
        yield None
        return
    from streamproc.registry.client import registry_client  # noqa: PLC0415  an extra

    async with registry_client(config.registry) as client:
        store = SchemaStore(client.schema)
        try:
            yield store
        finally:
            await store.close()
