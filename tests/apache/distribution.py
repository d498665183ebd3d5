"""Apache Kafka's programs: from Maven Central, once, into a cache."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

KAFKA = "4.3.1"
LOG4J = "2.25.4"  # the one that this Kafka brings; without the bridge to it Kafka logs nothing
OLDEST_JAVA = 17

_DEPENDENCY = (
    "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"
)
_ARTIFACTS = (
    ("org.apache.kafka", "kafka_2.13", KAFKA),
    ("org.apache.logging.log4j", "log4j-slf4j-impl", LOG4J),
)


class KafkaUnavailableError(Exception):
    """Apache Kafka cannot be run here; the message says what is missing."""


def java() -> str:
    """Return the path of a Java that is new enough, or say what is missing."""
    home = os.environ.get("JAVA_HOME")
    path = shutil.which("java", path=f"{home}/bin" if home else None)
    if path is None:
        raise KafkaUnavailableError(f"no java found: install Java {OLDEST_JAVA} or newer")
    told = subprocess.run(  # noqa: S603  a program found by name
        [path, "-version"], capture_output=True, text=True, check=False, timeout=60
    ).stderr
    found = re.search(r'version "(\d+)', told)
    if found is None or int(found[1]) < OLDEST_JAVA:
        said = told.splitlines()[0] if told else "nothing"
        raise KafkaUnavailableError(
            f"{path} says {said}: Apache Kafka needs Java {OLDEST_JAVA} or newer"
        )
    return path


def cache() -> Path:
    """Return where downloads are kept: STREAMPROC_CACHE, or the checkout's `.cache`."""
    checkout = Path(__file__).parents[2] / ".cache"
    return Path(os.environ.get("STREAMPROC_CACHE") or checkout) / "kafka" / KAFKA


def jars() -> Path:
    """Return the folder of Apache Kafka's jars; download them at the first call (about 45 MB)."""
    folder = cache() / "libs"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Complete or absent: an interrupted download, or two at once, leave no half folder.
        with tempfile.TemporaryDirectory(dir=folder.parent) as work:
            fresh = Path(work) / "libs"
            _download(Path(work), fresh)
            if not folder.exists():
                fresh.rename(folder)
    return folder


def _download(work: Path, target: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaUnavailableError(
            "no mvn found: install Maven, which fetches Apache Kafka from Maven Central"
        )
    pom = work / "pom.xml"
    pom.write_text(
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>streamproc</groupId><artifactId>kafka</artifactId><version>1</version>"
        "<packaging>pom</packaging><dependencies>"
        + "".join(_DEPENDENCY.format(*map(escape, artifact)) for artifact in _ARTIFACTS)
        + "</dependencies></project>"
    )
    command = [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={target}"]
    try:
        done = subprocess.run(  # noqa: S603  a program found by name
            command, capture_output=True, text=True, check=False, timeout=600
        )
    except subprocess.TimeoutExpired as error:
        raise KafkaUnavailableError("Maven Central did not answer within 10 minutes") from error
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()[-2000:]
        raise KafkaUnavailableError(f"Maven could not fetch Apache Kafka {KAFKA}:\n{said}")
