"""Transactions that never end are told from those that do."""

from streamproc.kafka.open_transactions import HeldBack, OpenTransactions, ReadableEnd

HOME = ("labels", 0)


def watch(*ends: tuple[float, int, int]) -> tuple[list[list[int]], list[HeldBack]]:
    """Observe (second, last stable offset, log end); return what is held back, and logged."""
    logged: list[HeldBack] = []
    transactions = OpenTransactions(10.0, logged.append)
    found = [
        [held.records for held in transactions.observe({HOME: ReadableEnd(stable, end)}, now)]
        for now, stable, end in ends
    ]
    return found, logged


def test_a_transaction_that_stays_open_is_logged_once() -> None:
    """For as long as it holds its partition back, it is counted with all that is behind it."""
    found, logged = watch((0, 5, 9), (9, 5, 12), (11, 5, 12), (60, 5, 20), (61, 20, 20))
    assert found == [[], [], [7], [15], []]
    assert [(held.offset, held.seconds) for held in logged] == [(5, 11)]


def test_one_transaction_after_the_other_holds_nothing_back() -> None:
    """A partition that is never without an open transaction is read up to the newest one."""
    found, logged = watch(*((float(now), now, now + 3) for now in range(0, 100, 5)))
    assert not any(found)
    assert logged == []


def test_the_next_transaction_that_hangs_is_logged_too() -> None:
    """Its offset is another one."""
    _, logged = watch((0, 5, 9), (11, 5, 9), (12, 9, 9), (13, 9, 15), (24, 9, 15))
    assert [held.offset for held in logged] == [5, 9]


def test_a_partition_that_went_to_another_worker_is_forgotten() -> None:
    """When it comes back, its time begins again."""
    logged: list[HeldBack] = []
    transactions = OpenTransactions(10.0, logged.append)
    transactions.observe({HOME: ReadableEnd(5, 9)}, 0)
    transactions.observe({}, 1)
    assert transactions.observe({HOME: ReadableEnd(5, 9)}, 12) == []
    assert logged == []


def test_the_log_line_says_what_to_do() -> None:
    """It names topic, partition, offset, and the tool that finds the producer."""
    text = str(HeldBack("labels", 3, 5, 7, 11.2))
    assert text.startswith("labels-3 is held back at offset 5")
    assert "kafka-transactions.sh" in text
