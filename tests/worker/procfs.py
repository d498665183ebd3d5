"""What the kernel knows of a process."""

import re
from pathlib import Path


def listening(pid: int) -> set[tuple[str, int]]:
    """Return the addresses, as the kernel writes them, and ports that a process listens on."""
    links = [
        str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()
    ]
    sockets = {found[1] for link in links if (found := re.fullmatch(r"socket:\[(\d+)\]", link))}
    ours: set[tuple[str, int]] = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in sockets:
                address, port = fields[1].split(":")
                ours.add((address, int(port, 16)))
    return ours


def children(pid: int) -> list[int]:
    """Return the pids of a process' workers, without multiprocessing's own helper."""
    return _children(pid, b"spawn_main")


def learners(pid: int) -> list[int]:
    """Return the pids of a worker's learning processes."""
    return _children(pid, b"streamproc.worker.online.process")


def _children(pid: int, command: bytes) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    found = [int(each) for task in tasks for each in (task / "children").read_text().split()]
    return [each for each in found if command in Path(f"/proc/{each}/cmdline").read_bytes()]


def alive(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def resident(pid: int) -> int:
    """Return the bytes of memory that a process holds."""
    return _memory(pid, "VmRSS")


def peak(pid: int) -> int:
    """Return the most bytes of memory that a process has held."""
    return _memory(pid, "VmHWM")


def _memory(pid: int, line: str) -> int:
    found = re.search(rf"{line}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0
