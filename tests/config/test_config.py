import pickle

import pytest
from pydantic import ValidationError

from streamproc.config.config import Config, Topics
from streamproc.config.load import load
from streamproc.config.quiet_time import QuietTime
from streamproc.errors import ConfigError


def test_the_defaults_are_those_of_the_docs() -> None:
    """Zero configuration means these values."""
    config = Config()
    assert config.bootstrap_servers == ("localhost:9092",)
    assert config.group == "streamproc"
    assert (config.topics.partitions, config.topics.replication) == (4, None)
    assert config.topics.retention is None
    assert config.policy.update_interval.total_seconds() == 600
    assert config.policy.resolve_after == QuietTime(1000)
    assert (config.limits.record_bytes, config.limits.slice_bytes) == (8 * 2**20, 4 * 2**20)
    assert config.http is not None
    assert (config.http.host, config.http.port) == ("127.0.0.1", 9464)


@pytest.mark.parametrize(
    ("url", "servers"),
    [
        ("kafka://a:1", ("a:1",)),
        ("kafka://kafka-1.example.org:9092,b:9093", ("kafka-1.example.org:9092", "b:9093")),
        ("kafka://[::1]:9092", ("[::1]:9092",)),
    ],
)
def test_a_broker_is_one_or_more_addresses(url: str, servers: tuple[str, ...]) -> None:
    """Names, IPv4 and bracketed IPv6, separated by commas."""
    assert load({"broker": url}).bootstrap_servers == servers


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:9092",
        "http://a:1",
        "kafka://",
        "kafka://a",
        "kafka://a:0",
        "kafka://a:65536",
        "kafka://a:1,",
        "kafka://a:1;kafka://b:2",
        "kafka://a:1/topic",
        "kafka://a b:1",
    ],
)
def test_any_other_broker_is_refused(url: str) -> None:
    """The message says what a broker looks like, from a file and from `with_broker`."""
    with pytest.raises(ConfigError, match="broker: expected kafka://host:port"):
        load({"broker": url})
    with pytest.raises(ConfigError, match="broker: expected kafka://host:port"):
        Config().with_broker(url)


def test_another_broker_changes_nothing_else() -> None:
    """The command line can point a configuration at another cluster."""
    config = load({"group": "g", "models": [{"id": "m"}]})
    moved = config.with_broker("kafka://b:2")
    assert moved.bootstrap_servers == ("b:2",)
    assert moved.model_copy(update={"broker": config.broker}) == config


@pytest.mark.parametrize("key", ["dead_letters", "dead-letters"])
def test_the_dead_letters_topic_has_two_spellings(key: str) -> None:
    """As the topic is written, and as the other keys are."""
    topics = load({"topics": {key: "lost", "prefix": "prod."}}).topics
    assert topics.full_name("dead_letters") == "prod.lost"
    assert topics.full_name("predictions") == "prod.predictions"


@pytest.mark.parametrize(
    ("topics", "message"),
    [
        ({"dead_letters": "a", "dead-letters": "a"}, "is the same key as `dead_letters`"),
        ({"alerts": "features"}, "topics.alerts: is the same topic as `features`"),
        ({"alerts": "a b"}, "topics.alerts: expected letters"),
        ({"alerts": ""}, "topics.alerts: expected letters"),
        ({"alerts": "a\n"}, "topics.alerts: expected letters"),
        ({"prefix": "a/"}, "topics.prefix: expected letters"),
        ({"alerts": ".."}, "topics.alerts: with its prefix is not a topic name"),
        ({"prefix": "x" * 200, "alerts": "y" * 50}, "topics.alerts: with its prefix"),
        ({"partitions": 0}, "topics.partitions: expected greater than or equal to 1"),
        ({"partitions": "4"}, 'topics.partitions: expected a whole number, found "4"'),
        ({"partitions": True}, "topics.partitions: expected a whole number, found true"),
        ({"retention": "7 days"}, "topics.retention: expected a duration"),
        ({"retenton": "7d"}, "topics.retenton: unknown key; did you mean `retention`?"),
    ],
)
def test_topics_that_kafka_or_the_pipeline_could_not_use_are_refused(
    topics: dict[str, object], message: str
) -> None:
    """Names are Kafka's, and no topic is read and written at once."""
    with pytest.raises(ConfigError, match=message.replace(".", r"\.").replace("?", r"\?")):
        load({"topics": topics})


def test_http_can_be_turned_off() -> None:
    """Null means that nothing listens; port 0 any free port."""
    assert load({"http": None}).http is None
    http = load({"http": {"port": 0}}).http
    assert http is not None
    assert http.port == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"policy": {"update_interval": -1}}, "policy.update_interval: expected a duration"),
        ({"policy": {"resolve_after": 0}}, "policy.resolve_after: expected a whole number"),
        ({"limits": {"slice_seconds": 0}}, "limits.slice_seconds: expected greater than 0"),
        ({"limits": {"slice_seconds": float("nan")}}, "found NaN or infinity"),
        ({"limits": {"record_bytes": "3GiB"}}, "limits.record_bytes: expected less"),
        ({"limits": {"max_series": 10**20}}, "limits.max_series: expected less"),
        ({"http": {"port": 65_536}}, "http.port: expected less"),
        ({"group": ""}, "group: expected to have at least 1 character"),
        ({"group": "a b"}, "group: expected letters"),
        ({"topics": None}, "topics: expected a mapping, found nothing"),
        ({"models": {}}, "models: expected a list, found a mapping"),
        ({"online": {}}, "online: unknown key"),
    ],
)
def test_values_out_of_range_are_refused(given: dict[str, object], message: str) -> None:
    """The message names the field and what is expected there."""
    with pytest.raises(ConfigError) as caught:
        load(given)
    assert message in str(caught.value)


def test_a_configuration_cannot_be_changed() -> None:
    """Assigning to a field, at any depth, is an error."""
    config = Config()
    with pytest.raises(ValidationError):
        config.group = "other"
    with pytest.raises(ValidationError):
        config.topics.prefix = "other"


def test_a_configuration_goes_to_other_processes() -> None:
    """Pickled, or dumped and loaded, it is the same, detector hashes included."""
    config = load({"models": [{"id": "m", "watch": [{"on": "*", "detectors": ["adwin"]}]}]})
    for copy in (pickle.loads(pickle.dumps(config)), load(config.model_dump(mode="json"))):  # noqa: S301
        assert copy == config
        series = "prediction"
        [ours], [theirs] = config.model("m").detectors(series), copy.model("m").detectors(series)
        assert ours.hash == theirs.hash


def test_topics_can_be_made_in_code() -> None:
    """The models take their own field names."""
    assert Topics(dead_letters="lost").full_name("dead_letters") == "lost"
