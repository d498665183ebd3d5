import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from streamproc.broker.errors import BrokerError
from streamproc.broker.process import Child, tail

PARENT = """
import sys, time
from pathlib import Path
from streamproc.broker.process import Child
child = Child(["sleep", "600"], Path(sys.argv[1]))
print(child.pid, flush=True)
time.sleep(600)
"""


def _script(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_output_and_exit_code_are_kept(tmp_path: Path) -> None:
    """What a child prints is in its log, and its exit code is known once it has ended."""
    child = Child(_script("import sys; print('out'); sys.exit('err')"), tmp_path / "log")
    assert child.wait(30) == 1
    assert sorted(child.tail().splitlines()) == ["err", "out"]
    assert not child.running


def test_terminate_lets_it_finish(tmp_path: Path) -> None:
    """SIGTERM gives a child the time to end in its own way."""
    pipe = tmp_path / "ready"
    os.mkfifo(pipe)
    text = (
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        f"open({str(pipe)!r}, 'w').write('x')\n"
        "signal.pause()"
    )
    child = Child(_script(text), tmp_path / "log")
    assert pipe.read_text() == "x"
    assert child.terminate(30)
    assert child.exit_code == 7


def test_terminate_does_not_wait_for_ever(tmp_path: Path) -> None:
    """A child that ignores SIGTERM is killed when its grace is over."""
    pipe = tmp_path / "ready"
    os.mkfifo(pipe)
    text = (
        "import signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"open({str(pipe)!r}, 'w').write('x')\n"
        "signal.pause()"
    )
    child = Child(_script(text), tmp_path / "log")
    assert pipe.read_text() == "x"
    assert not child.terminate(0.1)
    assert child.exit_code == -signal.SIGKILL


def test_missing_program_is_named(tmp_path: Path) -> None:
    """A program that is not installed is an error that names it."""
    with pytest.raises(BrokerError, match="cannot start no-such-program"):
        Child(["no-such-program"], tmp_path / "log")


def test_unwritable_log_is_an_error(tmp_path: Path) -> None:
    """A log that cannot be written ends the start, not a background thread alone."""
    with pytest.raises(BrokerError, match="cannot start sleep"):
        Child(["sleep", "600"], tmp_path / "missing" / "log")


def test_it_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    """A child that a short-lived thread started goes on when that thread has ended."""
    made: list[Child] = []
    thread = threading.Thread(target=lambda: made.append(Child(["sleep", "600"], tmp_path / "log")))
    thread.start()
    thread.join()
    assert made[0].wait(0.3) is None
    made[0].kill()
    assert made[0].exit_code == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children of a killed parent")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_its_parent(number: signal.Signals, tmp_path: Path) -> None:
    """A child is gone once its parent is, even if the parent was killed."""
    command = [*_script(PARENT), str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:  # noqa: S603
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.send_signal(number)
        parent.wait(30)
    try:
        assert _gone(child, 30)
    finally:
        os.close(child)


def _gone(pidfd: int, seconds: float) -> bool:
    return bool(select.select([pidfd], [], [], seconds)[0])


def test_tail_is_bounded(tmp_path: Path) -> None:
    """Only the last lines are shown, and a log that is not there shows nothing."""
    log = tmp_path / "log"
    assert tail(log) == ""
    log.write_text("".join(f"{n}\n" for n in range(100)))
    assert tail(log, 3) == "97\n98\n99"
