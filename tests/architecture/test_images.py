import re
from pathlib import Path

import yaml
from apache.distribution import KAFKA

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 30  # what a worker may take to stop


def _services() -> dict[str, dict[str, object]]:
    services: dict[str, dict[str, object]]
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return services


def test_compose_runs_the_kafka_that_was_tested() -> None:
    """The image's version is the version of the broker that the tests start."""
    assert _services()["kafka"]["image"] == f"apache/kafka:{KAFKA}"


def test_the_worker_has_the_time_to_stop() -> None:
    """The worker is not killed before the time that it may take to stop is over."""
    grace = str(_services()["worker"]["stop_grace_period"])
    assert int(grace.removesuffix("s")) > STOP_SECONDS


def test_what_the_image_copies_is_sent_to_its_build() -> None:
    """Every file that the Dockerfile copies from the checkout is let in by .dockerignore."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    wanted = {source for line in copies for source in line.split()}
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert wanted == {line[1:] for line in lines if line.startswith("!")}


def test_no_lock_names_a_registry() -> None:
    """The locks hold names, versions and hashes, whatever registry they were made from."""
    for lock in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / lock).read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "--index-url" not in text
        assert "--find-links" not in text


def test_what_runs_was_tested() -> None:
    """Every pinned package of the runtime lock has the same pin in the development lock."""
    runtime, development = (
        set(re.findall(r"^[a-zA-Z0-9._-]+==[^\\\n]+", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert runtime
    assert {pin.strip() for pin in runtime} <= {pin.strip() for pin in development}
