"""Apicurio Registry: from Maven Central, once, into a cache."""

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from apache.distribution import KafkaUnavailableError, java

VERSION = "2.6.13.Final"
SHA256 = "3cda1b34aa020fb4ac4dd6a66018d757e81e437f97e20a1f92d366b70091c6ba"
_NAME = f"apicurio-registry-app-{VERSION}"
_ARTIFACT = f"io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"


class RegistryMissingError(Exception):
    """Apicurio Registry cannot be run here; the message says what is missing."""


def command(port: int) -> list[str]:
    """Return what runs a registry in memory; download it at the first call (about 140 MB)."""
    try:
        program = java()
    except KafkaUnavailableError as error:
        raise RegistryMissingError(str(error)) from error
    return [
        program,
        "-Xmx384m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",  # it lives for minutes: no gain from more
        "-Dquarkus.http.host=127.0.0.1",
        f"-Dquarkus.http.port={port}",
        "-jar",
        str(_folder() / f"{_NAME}-runner.jar"),
    ]


def _folder() -> Path:
    cache = Path(os.environ.get("STREAMPROC_CACHE") or Path(__file__).parents[2] / ".cache")
    folder = cache / "apicurio" / VERSION
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Complete or absent: an interrupted download, or two at once, leave no half folder.
        with tempfile.TemporaryDirectory(dir=folder.parent) as work:
            fresh = Path(work) / "app"
            with tarfile.open(_downloaded(Path(work))) as content:
                content.extractall(fresh, filter="data")
            if not folder.exists():
                fresh.rename(folder)
    return folder


def _downloaded(work: Path) -> Path:
    maven = shutil.which("mvn")
    if maven is None:
        raise RegistryMissingError(
            "no mvn found: install Maven, which fetches Apicurio Registry from Maven Central"
        )
    copy = [maven, "-q", "-B", "dependency:copy", f"-Dartifact={_ARTIFACT}"]
    try:
        done = subprocess.run(  # noqa: S603  a program found by name
            [*copy, f"-DoutputDirectory={work}"],
            cwd=work,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
    except subprocess.TimeoutExpired as error:
        raise RegistryMissingError("Maven Central did not answer within 10 minutes") from error
    if done.returncode != 0:
        output = (done.stdout + done.stderr).strip()[-2000:]
        raise RegistryMissingError(f"Maven could not fetch {_ARTIFACT}:\n{output}")
    file = work / f"{_NAME}-all.tar.gz"
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != SHA256:
        raise RegistryMissingError(f"{file.name} has SHA-256 {found}; expected {SHA256}")
    return file
