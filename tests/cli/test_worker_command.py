import logging
import socket
from pathlib import Path

import pytest
from worker.running import WorkerProcess, settings

from streamproc.worker.logs import OncePerMinute


async def test_no_broker_is_one_clear_line(tmp_path: Path) -> None:
    """Without a broker a worker ends with 1 and one line that says what to check."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    async with WorkerProcess(tmp_path, settings(f"127.0.0.1:{port}")) as worker:
        assert await worker.exit_code() == 1
    assert worker.stderr == (
        f"error: cannot reach a Kafka broker at 127.0.0.1:{port}: Connection refused; check"
        " --broker and that the broker runs (`streamproc broker` starts one)\n"
    )


@pytest.mark.slow
async def test_a_broker_that_says_nothing(tmp_path: Path) -> None:
    """A host that takes connections and never answers is given up on, with a reason."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        async with WorkerProcess(tmp_path, settings(address)) as worker:
            assert await worker.exit_code() == 1
    assert worker.stderr.startswith(f"error: no answer from {address} within 10 s")
    assert worker.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("said", "complaint"),
    [({"grup": "g"}, "grup"), ({"limits": {"slice_records": 0}}, "limits.slice_records")],
)
async def test_a_wrong_config_is_refused_first(
    said: dict[str, object], complaint: str, tmp_path: Path
) -> None:
    """A config that is wrong ends a worker with 2, and nothing is connected to."""
    with socket.create_server(("127.0.0.1", 0)) as broker:
        broker.settimeout(0)
        config = settings(f"127.0.0.1:{broker.getsockname()[1]}") | said
        async with WorkerProcess(tmp_path, config) as worker:
            assert await worker.exit_code() == 2
        with pytest.raises(BlockingIOError):
            broker.accept()
    assert complaint in worker.stderr


@pytest.mark.parametrize("flags", [("--processes", "0"), ("--exit-when-idle", "soon")])
async def test_wrong_flags_are_refused(flags: tuple[str, str], tmp_path: Path) -> None:
    """A flag that makes no sense ends a worker with 2."""
    async with WorkerProcess(tmp_path, settings("127.0.0.1:9"), *flags) as worker:
        assert await worker.exit_code() == 2
    assert flags[0] in worker.stderr


def test_what_clients_repeat_is_written_once_a_minute() -> None:
    """A client's kind of line comes once a minute, ours always."""
    now = [0.0]
    once = OncePerMinute(clock=lambda: now[0])

    def written(name: str, text: str, *values: object) -> bool:
        return once.filter(logging.LogRecord(name, logging.ERROR, "", 0, text, values, None))

    assert written("aiokafka", "no answer from %s", 1)
    assert not written("aiokafka", "no answer from %s", 2)
    assert written("aiokafka", "another text")
    assert written("aiokafka.consumer", "no answer from %s", 1)
    now[0] = 61.0
    assert written("aiokafka", "no answer from %s", 1)
    assert all(written("streamproc.worker.worker", "slice failed") for _ in range(3))
