from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from streamproc.cli.main import app

ROOT = Path(__file__).parents[2]
MAX_HELP = 45


def commands(group: Any, prefix: str = "") -> dict[str, Any]:
    """Return every command by how it is typed."""
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        found[f"{prefix}{name}"] = command
        if hasattr(command, "commands"):
            found |= commands(command, f"{prefix}{name} ")
    return found


COMMANDS = commands(get_command(app))


@pytest.mark.parametrize("name", COMMANDS)
def test_no_help_line_is_cut(name: str) -> None:
    """The first line of a command and the help of each option fit into a narrow terminal."""
    command = COMMANDS[name]
    first = " ".join(command.help.partition("\n\n")[0].split())
    helps = [first, *(getattr(each, "help", None) or "" for each in command.params)]

    assert first
    assert [line for line in helps if len(line) > MAX_HELP] == []


def test_the_version_is_printed(run: Any) -> None:
    """`--version` prints the version of the installed distribution, and nothing else."""
    result = run("--version")

    assert (result.exit_code, result.stdout) == (0, f"streamproc {version('streamproc')}\n")


def test_completion_is_offered_as_documented(run: Any) -> None:
    """The option of the page on commands installs the completion of a shell."""
    page = (ROOT / "docs" / "commands.md").read_text()

    assert "streamproc --install-completion" in page
    assert "--install-completion" in run("--help").stdout


def test_every_command_has_its_row() -> None:
    """The page on commands lists each of them with the first line of its help."""
    page = (ROOT / "docs" / "commands.md").read_text()
    rows = [
        f"| `{name}` | {' '.join(command.help.partition(chr(10) * 2)[0].split())} |"
        for name, command in COMMANDS.items()
        if not hasattr(command, "commands")
    ]

    assert [row for row in rows if row not in page] == []
