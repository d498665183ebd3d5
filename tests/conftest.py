"""Brokers for the tests: real ones, shared, and started only when a test asks.

What workers keep on a disk is put into a folder of the tests' own.
"""

import shutil
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path

import pytest
from apache.kafka import ApacheKafka, KafkaUnavailableError, check
from apicurio.distribution import RegistryMissingError
from apicurio.server import Apicurio
from hypothesis import settings
from sinks.receiver import certificate

from streamproc.broker import EmbeddedBroker

# No test fails for being slow. Hypothesis sees by itself that it runs in CI and draws the same
# examples every time there, others each time elsewhere.
settings.register_profile("streamproc", settings(), deadline=None)
settings.register_profile("fast", settings(), deadline=None, max_examples=10)
settings.load_profile("streamproc")


# Folders whose files take longest, the longest first: a lane begins with them, so that it does not
# end with one core at work.
SLOWEST_FOLDERS = (
    "tests/faults",
    "tests/real",
    "tests/tools",
    "tests/readme",
    "tests/worker",
    "tests/online",
    "tests/driver",
    "tests/cli",
    "tests/client",
    "tests/kafka",
    "tests/architecture",
    "tests/detectors",
)


@cache
def _kafka_missing() -> str | None:
    """Why Apache Kafka cannot be run here, or None when it can."""
    try:
        check()
    except KafkaUnavailableError as error:
        return str(error)
    return None


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Run two files more than there are cores: tests that wait for a broker use no core."""
    return (yield) + 2


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before `-m` chooses among the tests
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Mark what uses a broker, so that no test can forget to; put the longest files first."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & {"apache_kafka", "apache_kafka_cluster"}:
            item.add_marker("kafka")
        if fixtures & {"apache_kafka_cluster", "apicurio"}:
            item.add_marker("slow")
    yield
    items.sort(key=lambda item: _turn(item.nodeid))


def _turn(nodeid: str) -> int:
    found = (turn for turn, folder in enumerate(SLOWEST_FOLDERS) if nodeid.startswith(folder))
    return next(found, len(SLOWEST_FOLDERS))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, with the reason, what needs an Apache Kafka that cannot be had."""
    if item.get_closest_marker("kafka") is not None:
        reason = _kafka_missing()
        if reason is not None:
            pytest.skip(f"no Apache Kafka: {reason}")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the workers of the tests, their processes too, a cache that is not the user's."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def apache_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """One node of Apache Kafka, shared: use topics of your own and leave the node running."""
    with ApacheKafka(data_dir=tmp_path_factory.mktemp("kafka")) as kafka:
        yield kafka


@pytest.fixture(scope="session")
def apache_kafka_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """Three nodes of Apache Kafka, shared: start again what you have stopped."""
    with ApacheKafka(nodes=3, data_dir=tmp_path_factory.mktemp("kafka")) as kafka:
        yield kafka


@pytest.fixture(scope="module")
def apicurio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apicurio]:
    """One schema registry, shared: use other subjects, and start it again if you stop it."""
    try:
        registry = Apicurio(tmp_path_factory.mktemp("apicurio"))
    except RegistryMissingError as error:
        pytest.skip(f"no Apicurio Registry: {error}")
    with registry:
        yield registry


@pytest.fixture(scope="module")
def embedded_broker() -> Iterator[EmbeddedBroker]:
    """One embedded broker, shared: use topics and groups of your own.

    It starts in milliseconds, and after each record writes all of its data again: one that holds
    the records of a whole session takes a third of a core.
    """
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture(
    params=["embedded_broker", pytest.param("apache_kafka", marks=pytest.mark.kafka)],
    scope="module",
)
def bootstrap(request: pytest.FixtureRequest) -> str:
    """Address of a broker: the test runs on the embedded one and on Apache Kafka."""
    broker: EmbeddedBroker | ApacheKafka = request.getfixturevalue(request.param)
    return broker.bootstrap


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make a certificate for loopback, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    return certificate(tmp_path_factory.mktemp("tls"), "IP:127.0.0.1")
