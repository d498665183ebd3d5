import re
import tomllib
from pathlib import Path

import yaml
from apache.distribution import KAFKA

from streamproc.config.load import load

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


def _mounted() -> dict[str, Path]:
    """Return what of the checkout is mounted, by where."""
    found: dict[str, Path] = {}
    for service in _services().values():
        for volume in service.get("volumes", []):  # type: ignore[attr-defined]
            source, place, *options = volume.split(":")
            if source.startswith("./"):
                assert options == ["ro"], volume
                found[place] = ROOT / source
    return found


def test_what_compose_mounts_is_there() -> None:
    """Every file and folder of the checkout that a service gets is there, and can only be read."""
    mounted = _mounted()
    assert mounted
    assert [path for path in mounted.values() if not path.exists()] == []


def test_compose_opens_nothing_to_others() -> None:
    """Ports are of this machine alone, and images have versions."""
    for name, service in _services().items():
        ports: list[str] = service.get("ports", [])  # type: ignore[assignment]
        assert all(port.startswith("127.0.0.1:") for port in ports), name
        tag = str(service.get("image", "built:v0")).partition(":")[2]
        assert re.fullmatch(r"v?\d+(\.\d+)*", tag), name


def test_the_worker_shows_its_metrics_to_prometheus() -> None:
    """The worker asks for the very token that Prometheus shows, at the port that it asks."""
    mounted = _mounted()
    http = load(mounted["/etc/streamproc/worker.yaml"]).http
    prometheus = yaml.safe_load(mounted["/etc/prometheus/prometheus.yml"].read_text())
    [job] = prometheus["scrape_configs"]
    assert http is not None
    assert job["authorization"]["credentials_file"] == http.token_file
    [place] = job["dns_sd_configs"]
    assert (place["names"], place["port"]) == (["worker"], http.port)
    assert set(prometheus["rule_files"]) <= mounted.keys()
    [manager] = prometheus["alerting"]["alertmanagers"]
    [target] = manager["static_configs"][0]["targets"]
    assert target.split(":")[0] in _services()
    folder = Path(str(http.token_file)).parent
    for name in ("worker", "token", "prometheus"):
        volumes: list[str] = _services()[name]["volumes"]  # type: ignore[assignment]
        assert any(volume.startswith(f"token:{folder}") for volume in volumes), name


def test_grafana_finds_its_dashboard() -> None:
    """The folder that Grafana reads dashboards from is mounted, and the first page is in it."""
    mounted = _mounted()
    [provider] = yaml.safe_load(
        (mounted["/etc/grafana/provisioning"] / "dashboards" / "streamproc.yaml").read_text()
    )["providers"]
    folder = mounted[provider["options"]["path"]]
    grafana: dict[str, str] = _services()["grafana"]["environment"]  # type: ignore[assignment]
    home = Path(grafana["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (str(home.parent), (folder / home.name).exists()) == (provider["options"]["path"], True)


def test_alertmanager_knows_whom_to_tell() -> None:
    """Its route leads to a receiver that there is."""
    said = yaml.safe_load(_mounted()["/etc/alertmanager/alertmanager.yml"].read_text())
    assert said["route"]["receiver"] in {each["name"] for each in said["receivers"]}


def test_what_the_image_copies_is_sent_to_its_build() -> None:
    """Every file that the Dockerfile copies from the checkout is let in by .dockerignore."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    wanted = {source for line in copies for source in line.split()}
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert wanted == {line[1:] for line in lines if line.startswith("!")}


def test_no_lock_names_a_registry() -> None:
    """The locks hold names, versions and hashes, whatever registry they were made from."""
    for lock in ROOT.glob("requirements*.lock"):
        text = (ROOT / lock).read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "--index-url" not in text
        assert "--find-links" not in text


def _pins(name: str) -> set[str]:
    text = (ROOT / name).read_text()
    return set(re.findall(r"^[a-zA-Z0-9._-]+==[^\s;\\]+", text, re.MULTILINE))


def test_what_runs_was_tested() -> None:
    """Every pinned package of the worker and the demo has the same pin in the development lock."""
    development = _pins("requirements-dev.lock")
    assert _pins("requirements.lock") < development
    assert _pins("requirements-demo.lock") < development


def test_the_image_reads_all_formats_of_the_intake() -> None:
    """The image of a worker has what Avro and protobuf of a schema registry need."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    wanted = {re.split(r"[\[><=]", each)[0] for each in (*extras["worker"], *extras["registry"])}
    assert wanted <= {pin.split("==")[0] for pin in _pins("requirements.lock")}
