"""Private names of client libraries are in the modules that check them."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("broker", "client", "driver", "kafka", "sinks", "worker")


def test_private_names_of_clients_are_used_in_one_module_each() -> None:
    """A release of aiokafka or Faust that changes one needs a change in one place."""
    found = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in sorted((ROOT / "streamproc" / package).rglob("*.py"))
        if "SLF001" in path.read_text()
    ]
    assert found == ["streamproc/driver/compat.py", "streamproc/kafka/compat.py"]
