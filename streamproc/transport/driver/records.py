"""Keeps the records of topics as the client's compiled code makes them."""

from collections import OrderedDict
from collections.abc import Container
from functools import partial
from itertools import islice
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher, FetchResult

__all__ = ["keep_as_made"]


def keep_as_made(consumer: AIOKafkaConsumer, topics: Container[str]) -> None:
    """Let a consumer give the records of `topics` without dressing each of them up.

    aiokafka 0.14.0 makes a ``ConsumerRecord``, eleven fields that are mostly the same, of each
    record that its parser gives: as much work as the parsing. A slice says the same once.

    Parameters
    ----------
    consumer
        One that was started; a second call for it does nothing.
    topics
        Looked at whenever something is fetched.
    """
    fetcher: Fetcher = consumer._fetcher  # noqa: SLF001
    if not isinstance(fetcher._records, _Fetched):  # noqa: SLF001
        fetcher._records = _Fetched(topics, fetcher._records)  # noqa: SLF001


class _Fetched(OrderedDict[Any, Any]):
    """What was fetched of each partition and not read yet."""

    def __init__(self, topics: Container[str], fetched: OrderedDict[Any, Any]) -> None:
        super().__init__()
        self._topics = topics
        for tp, result in fetched.items():
            self[tp] = result

    def __setitem__(self, tp: Any, result: Any) -> None:
        if isinstance(result, FetchResult) and tp.topic in self._topics and result.has_more():
            result._partition_records._consumer_record = _as_made  # noqa: SLF001
            result.getall = partial(_all, result)
        super().__setitem__(tp, result)


def _all(result: FetchResult, max_records: int | None = None) -> list[Any]:
    """Do what ``FetchResult.getall`` does, without two calls for each record."""
    if not result.check_assignment(result._topic_partition) or not result.has_more():  # noqa: SLF001
        return []
    read = result._partition_records._records_iterator  # noqa: SLF001
    found = list(islice(read, max_records))
    result._update_position()  # noqa: SLF001
    if max_records is None or len(found) < max_records:
        result._partition_records = None  # noqa: SLF001
    return found


def _as_made(tp: Any, record: Any) -> Any:  # noqa: ARG001  # aiokafka's signature
    return record
