import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCAN = ROOT / ".ci" / "scan.py"
# Put together here, so that this file holds none.
PLANTED = {
    "AWS Access Key": "key = '" + "AKIA" + "IOSFODNN7EXAMPLE'",
    "Private Key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "GitHub Token": "token = '" + "ghp_" + "a1B2" * 9 + "'",
}


def scan(*arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    """Run a scan; with a path, modules there are found first."""
    return subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, str(SCAN), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": path, "PATH": "/usr/bin:/bin"},
    )


def pip_audit(folder: Path, answer: str) -> str:
    """Make a pip-audit that says the same whatever it is asked; return where it is."""
    (folder / "pip_audit.py").write_text(f"print({answer!r})\n")
    return str(folder)


def lock(folder: Path) -> str:
    """Make a lock of one package."""
    (folder / "lock").write_text("left==1\n")
    return str(folder / "lock")


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_secret_is_found(kind: str, tmp_path: Path) -> None:
    """A key in a file fails the scan, which names file, line and kind, and not the key."""
    (tmp_path / "settings.py").write_text(f"\n{PLANTED[kind]}\n")
    done = scan("secrets", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, f"settings.py:2: {kind}\n")


def test_a_folder_without_secrets_passes(tmp_path: Path) -> None:
    """Nothing that looks like a key is nothing to say."""
    (tmp_path / "settings.py").write_text("password_env = 'KAFKA_PASSWORD'\n")
    done = scan("secrets", str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "")


def test_a_vulnerable_dependency_fails(tmp_path: Path) -> None:
    """A package with a known hole is named with it and the version that mends it."""
    answer = (
        '{"dependencies": [{"name": "left", "version": "1", "vulns":'
        ' [{"id": "PYSEC-1", "fix_versions": ["2"]}]}]}'
    )
    done = scan("dependencies", lock(tmp_path), path=pip_audit(tmp_path, answer))
    assert done.returncode == 1
    assert "left 1: PYSEC-1, mended in 2" in done.stdout


@pytest.mark.parametrize(
    "answer",
    [
        '{"dependencies": [{"name": "left", "skip_reason": "Dependency not found on PyPI"}]}',
        '{"dependencies": [{"name": "left", "version": "1", "vulns": []}]}',
        "cannot connect",
        "",
    ],
)
def test_a_source_that_knows_nothing_is_no_scan(answer: str, tmp_path: Path) -> None:
    """Where not even a famous hole is known, the scan says loudly that there was none."""
    done = scan("dependencies", lock(tmp_path), path=pip_audit(tmp_path, answer))
    assert done.returncode == 3
    assert "!!! DEPENDENCIES NOT CHECKED" in done.stdout
