"""Schemas are fetched once, and waited for as long as the registry is away."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from worker.running import until

from streamproc.intake.errors import IntakeError
from streamproc.intake.frames import Schema, SchemaRef
from streamproc.registry import store as module
from streamproc.registry.errors import RegistryUnavailableError
from streamproc.registry.store import SchemaStore
from streamproc.schemas.records import Reason

ONE, TWO = SchemaRef("id", "1"), SchemaRef("id", "2")
SCHEMA = Schema("JSON", lambda frame: frame.payload)
UNKNOWN = IntakeError(Reason.UNKNOWN_SCHEMA, "the registry does not know it")


class Away:
    """A registry that can go away."""

    def __init__(self, away: bool = False) -> None:  # noqa: FBT001, FBT002
        self.away = away
        self.asked: Counter[SchemaRef] = Counter()

    async def fetch(self, ref: SchemaRef) -> Schema | IntakeError:
        """Answer, if it is there."""
        self.asked[ref] += 1
        if self.away:
            message = "it does not answer"
            raise RegistryUnavailableError(message)
        return UNKNOWN if ref == TWO else SCHEMA


@asynccontextmanager
async def store_of(registry: Away) -> AsyncIterator[SchemaStore]:
    """Give a store that is closed at the end."""
    store = SchemaStore(registry.fetch)
    try:
        yield store
    finally:
        await store.close()


async def test_a_schema_is_asked_for_once() -> None:
    """However often records name it."""
    registry = Away()
    async with store_of(registry) as store:
        assert store.get([ONE, TWO]) is None
        assert store.get([ONE]) is None
        await until(lambda: store.get([ONE, TWO]) is not None)
        assert store.get([TWO, ONE, ONE]) == {ONE: SCHEMA, TWO: UNKNOWN}
        assert store.get([]) == {}
    assert registry.asked == {ONE: 1, TWO: 1}


async def test_a_registry_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it answers; meanwhile the reason can be read."""
    monkeypatch.setattr(module, "FIRST_PAUSE_SECONDS", 0.01)
    registry = Away(away=True)
    async with store_of(registry) as store:
        assert store.get([ONE]) is None
        await until(lambda: registry.asked[ONE] > 2)
        assert store.trouble == "it does not answer"
        assert store.get([ONE]) is None
        registry.away = False
        await until(lambda: store.get([ONE]) is not None)
        assert store.trouble is None


async def test_what_was_unknown_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A schema that is registered later is found."""
    monkeypatch.setattr(module, "UNKNOWN_SECONDS", -1.0)
    registry = Away()
    async with store_of(registry) as store:
        store.get([ONE, TWO])
        await until(lambda: store.get([ONE, TWO]) is not None)
        assert store.get([ONE]) == {ONE: SCHEMA}
        assert store.get([TWO]) is None
        await until(lambda: store.get([TWO]) is not None)
    assert registry.asked == {ONE: 1, TWO: 2}


async def test_it_keeps_a_limited_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that name ever new schemas do not fill the memory."""
    monkeypatch.setattr(module, "MAX_SCHEMAS", 3)
    registry = Away()
    many = [SchemaRef("id", str(number)) for number in range(10, 20)]
    async with store_of(registry) as store:
        store.get(many)
        await until(lambda: store.get(many) is not None)
        assert len(store._known) == 3


async def test_an_error_of_the_program_is_not_hidden() -> None:
    """What is not the registry's ends the reader, instead of waiting without end."""

    async def broken(_: SchemaRef) -> Schema:
        message = "a fault"
        raise ZeroDivisionError(message)

    store = SchemaStore(broken)
    assert store.get([ONE]) is None
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(ZeroDivisionError, match="a fault"):
        store.get([ONE])
