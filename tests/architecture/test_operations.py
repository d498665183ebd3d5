"""What the pages for operators say, and the files that they give them, against the code."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.sinks.metrics import WebhookMetrics
from streamproc.worker.incidents.metrics import IncidentMetrics
from streamproc.worker.intake.http_events import HttpIntakeMetrics
from streamproc.worker.intake.metrics import IntakeMetrics
from streamproc.worker.join.metrics import JoinMetrics
from streamproc.worker.metrics import Metrics
from streamproc.worker.model_alerts import ModelAlerts
from streamproc.worker.online.metrics import LearnLag, OnlineMetrics
from streamproc.worker.performance_metrics import PerformanceMetrics
from streamproc.worker.placement import misplaced_gauge

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs"
PAGES = ("operations.md", "security.md")
STOP_SECONDS = 30  # what a worker may take to stop


def names(registry: CollectorRegistry) -> set[str]:
    """Name metrics as Prometheus shows them."""
    kinds = {"counter": "_total"}
    return {f"{found.name}{kinds.get(found.type, '')}" for found in registry.collect()}


def metrics() -> set[str]:
    """Name every metric of a worker that the page explains."""
    registry = CollectorRegistry()
    shown = Metrics(registry)
    WebhookMetrics(registry)
    shown.show(ModelAlerts(Config(), lambda: ()))
    misplaced_gauge(registry)
    IntakeMetrics(registry)
    HttpIntakeMetrics(registry)
    IncidentMetrics(registry)
    return names(registry)


def all_metrics() -> set[str]:
    """Name those of joins, online models and models, too."""
    worker, learner = CollectorRegistry(), CollectorRegistry()
    JoinMetrics(Metrics(worker))
    OnlineMetrics(learner)
    LearnLag(learner)
    learner.register(PerformanceMetrics(dict))
    return metrics() | names(worker) | names(learner)


def manifests() -> list[dict[str, Any]]:
    """Read the manifests for Kubernetes."""
    return list(yaml.safe_load_all((CONFIGS / "kubernetes" / "worker.yaml").read_text()))


def test_every_metric_is_explained() -> None:
    """Each metric of a worker has a row on the page, and each row is of such a metric."""
    page = (ROOT / "docs" / "operations.md").read_text()
    rows = re.findall(r"^\| `(streamproc_\w+)` \|", page, re.MULTILINE)
    assert set(rows) == metrics()
    assert len(rows) == len(set(rows))


def asked(query: str) -> set[str]:
    """Name the metrics of ours that a query asks for, as the code calls them."""
    names = re.findall(r"streamproc_\w+", query)
    return {re.sub(r"_seconds_(bucket|sum|count)$", "_seconds", name) for name in names}


def test_rules_ask_for_metrics_that_there_are() -> None:
    """Each rule has a sentence and asks for what a worker shows."""
    groups = yaml.safe_load((CONFIGS / "prometheus" / "alerts.yaml").read_text())["groups"]
    for rule in (rule for group in groups for rule in group["rules"]):
        assert asked(rule["expr"]) <= all_metrics(), rule["alert"]
        assert asked(rule["expr"]) or "up{" in rule["expr"]
        assert rule["expr"].count("(") == rule["expr"].count(")")
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["labels"]["severity"] in {"warning", "critical", "{{ $labels.severity }}"}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool, of Prometheus, runs them")
def test_rules_fire_when_they_should() -> None:
    """Prometheus' own tool takes the rules, and they do with figures what their tests say."""
    for command in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]):
        done = subprocess.run(  # noqa: S603  our own files
            ["promtool", *command],  # noqa: S607  from where it was installed
            cwd=CONFIGS / "prometheus",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    """Each panel asks the data source for what a worker shows, and says what that is."""
    board = json.loads((CONFIGS / "grafana" / "dashboards" / "streamproc.json").read_text())
    sources = CONFIGS / "grafana" / "provisioning" / "datasources" / "prometheus.yaml"
    [source] = yaml.safe_load(sources.read_text())["datasources"]
    places = [tuple(panel["gridPos"].values()) for panel in board["panels"]]
    assert len(set(places)) == len(places)
    for panel in board["panels"]:
        assert panel["datasource"]["uid"] == source["uid"]
        assert panel["description"].endswith(".")
        for query in (target["expr"] for target in panel["targets"]):
            assert asked(query) <= all_metrics(), panel["title"]
            assert asked(query) or "up{" in query
            assert query.count("(") == query.count(")")


def test_kubernetes_takes_the_manifests() -> None:
    """The manifests fit the schemas of Kubernetes, to the last key."""
    file = CONFIGS / "kubernetes" / "worker.yaml"
    program = "from kubernetes_validate.__main__ import main; main()"
    command = [sys.executable, "-c", program, "--strict", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("passed") == len(manifests())


def test_the_configuration_in_the_manifest_loads() -> None:
    """What the worker on Kubernetes reads is a configuration, and its secrets are mounted."""
    config_map, deployment = manifests()[:2]
    config = load(yaml.safe_load(config_map["data"]["streamproc.yaml"]))
    pod = deployment["spec"]["template"]["spec"]
    mounts = {mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    assert config.security.sasl is not None
    assert config.http is not None
    for file in (config.security.sasl.password_file, config.http.token_file):
        assert str(Path(str(file)).parent) in mounts
    assert pod["containers"][0]["ports"][0]["containerPort"] == config.http.port
    assert pod["terminationGracePeriodSeconds"] > STOP_SECONDS


def test_what_waits_for_labels_has_room_on_kubernetes() -> None:
    """It is on a volume of gigabytes, and not in the 64 MiB of /tmp, which 90,000 events fill."""
    config_map, deployment = manifests()[:2]
    store = load(yaml.safe_load(config_map["data"]["streamproc.yaml"])).labels.store
    pod = deployment["spec"]["template"]["spec"]
    mounts = {each["mountPath"]: each["name"] for each in pod["containers"][0]["volumeMounts"]}
    volumes = {each["name"]: each for each in pod["volumes"]}
    assert store is not None
    size = volumes[mounts[store]]["emptyDir"]["sizeLimit"]
    assert size.endswith("Gi")
    assert int(size.removesuffix("Gi")) >= 1


def test_what_waits_for_labels_outlives_a_restart_of_the_unit() -> None:
    """The user's cache, its default folder, is the unit's cache directory, and not /tmp."""
    text = (CONFIGS / "systemd" / "streamproc.service").read_text()
    directory = re.findall(r"^CacheDirectory=(\S+)$", text, re.MULTILINE)
    assert re.findall(r"XDG_CACHE_HOME=(\S+)", text) == [f"/var/cache/{directory[0]}"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze checks it")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """The unit has no key that systemd does not know, and gives workers the time to stop."""
    text = (CONFIGS / "systemd" / "streamproc.service").read_text()
    unit = tmp_path / "streamproc.service"
    unit.write_text(text.replace("/opt/streamproc/bin/streamproc", "/bin/true"))
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, "")
    assert int(text.split("TimeoutStopSec=")[1].split()[0]) > STOP_SECONDS


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Every file that the page links to is there."""
    links = re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / "docs" / page).read_text())
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_the_configuration_on_the_page_loads() -> None:
    """The section that turns commands on is one."""
    [section] = re.findall(
        r"```yaml\n(.*?)```", (ROOT / "docs" / "security.md").read_text(), re.DOTALL
    )
    assert load(yaml.safe_load(section)).control is not None
