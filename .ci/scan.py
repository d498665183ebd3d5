# noqa: INP001  a program by itself
"""Look for known vulnerabilities in what we depend on, and for secrets in what we keep.

``scan.py dependencies LOCK...`` · ``scan.py secrets [FOLDER]``. Ends with 0 when all was looked at
and is well, with 1 when something was found, and with 3 when it could not be looked at: a scan
that did not happen is never one that found nothing.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

WELL, FOUND, NOT_CHECKED = 0, 1, 3
# A version with holes that everybody knows: a source that does not name them knows nothing.
PROBE: Final = "aiohttp==3.8.1"
AUDIT: Final = ("--disable-pip", "--no-deps", "--format", "json", "--progress-spinner", "off")
# Hashes in locks and names in tests look like secrets to these; the others know what they seek.
GUESSES: Final = ("Base64HighEntropyString", "HexHighEntropyString", "KeywordDetector")
PATIENCE_SECONDS: Final = 120


def main(arguments: Sequence[str]) -> int:
    """Scan what is named; return the exit code."""
    match arguments:
        case ["dependencies", *locks] if locks:
            return dependencies([Path(lock) for lock in locks])
        case ["secrets"]:
            return secrets(Path())
        case ["secrets", folder]:
            return secrets(Path(folder))
    say(__doc__ or "")
    return NOT_CHECKED


def dependencies(locks: Sequence[Path]) -> int:
    """Ask for the vulnerabilities of every package of some locks."""
    if find_spec("pip_audit") is None:
        return not_checked("dependencies", "pip-audit is not installed")
    with TemporaryDirectory() as folder:
        probe = Path(folder) / "probe.txt"
        probe.write_text(f"{PROBE}\n")
        answer = audit(probe)
        if isinstance(answer, str) or not holes(answer):
            reason = answer if isinstance(answer, str) else f"{PROBE} is not known to have holes"
            return not_checked("dependencies", f"no source of vulnerabilities: {reason}")
    code = WELL
    for lock in locks:
        answer = audit(lock)
        if isinstance(answer, str):
            return not_checked("dependencies", answer)
        for line in holes(answer):
            say(f"{lock}: {line}")
            code = FOUND
        left = unknown(answer)
        if left:
            not_checked("dependencies", f"{lock}: nothing is known of {', '.join(left)}")
            code = code or NOT_CHECKED
    return code


def audit(lock: Path) -> Mapping[str, Any] | str:
    """Return what pip-audit says of a lock, or why it says nothing."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(lock), *AUDIT]
    try:
        done = subprocess.run(  # noqa: S603  our own interpreter
            command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
        )
        answer: Mapping[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return f"no answer within {PATIENCE_SECONDS} s"
    except ValueError:
        return (done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1][:300]
    return answer


def holes(answer: Mapping[str, Any]) -> list[str]:
    """Name the vulnerabilities of an audit, a line each."""
    return [
        f"{package['name']} {package['version']}: {hole['id']},"
        f" mended in {', '.join(hole['fix_versions']) or 'no version yet'}"
        for package in answer["dependencies"]
        for hole in package.get("vulns", ())
    ]


def unknown(answer: Mapping[str, Any]) -> list[str]:
    """Name the packages of an audit of which nothing is known."""
    return [package["name"] for package in answer["dependencies"] if "skip_reason" in package]


def secrets(folder: Path) -> int:
    """Look for keys and tokens in the files that git keeps, or else in all of a folder."""
    if find_spec("detect_secrets") is None:
        return not_checked("secrets", "detect-secrets is not installed")
    command = [sys.executable, "-m", "detect_secrets", "scan"]
    for guess in GUESSES:
        command += ["--disable-plugin", guess]
    if not (folder / ".git").exists():
        command.append("--all-files")
    done = subprocess.run(  # noqa: S603  our own interpreter
        command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    if done.returncode != 0:
        return not_checked("secrets", done.stderr.strip()[-300:])
    found = json.loads(done.stdout)["results"]
    for path, places in found.items():
        for place in places:
            say(f"{path}:{place['line_number']}: {place['type']}")
    return FOUND if found else WELL


def not_checked(what: str, reason: str) -> int:
    """Say, so that nobody can miss it, that something was not looked at."""
    say(f"!!! {what.upper()} NOT CHECKED: {reason}")
    return NOT_CHECKED


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
