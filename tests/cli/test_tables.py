"""Tables on terminals that are too narrow for them, and without rows."""

from typing import Any

import pytest
from rich.console import Console

from streamproc.cli.tables import new_table, print_table

ID = "0b71fe2290ac"


def printed(width: int, *, terminal: bool = True) -> str:
    """Return what a table with an id and a time is on a terminal of a width."""
    table = new_table("incident", "opened", "cause", "owner")
    table.add_row(ID, "2026-01-05 10:00:01Z", "a cause of several words that may be folded", "")
    console = Console(width=width, force_terminal=terminal, color_system=None, soft_wrap=True)
    with console.capture() as captured:
        print_table(table, console=console)
    return captured.get()


def test_a_narrow_terminal_breaks_no_id_and_no_time() -> None:
    """Each row is a paragraph then, with the names of its cells that are not empty."""
    shown = printed(60)
    assert ID in shown.split()
    assert "opened 2026-01-05 10:00:01Z" in " ".join(shown.split())
    assert "owner" not in shown
    assert max(map(len, shown.splitlines())) <= 60


def test_a_wide_terminal_and_a_file_get_the_table() -> None:
    """Programs that read columns find them at any width."""
    for shown in (printed(100), printed(60, terminal=False)):
        assert shown.split()[:4] == ["incident", "opened", "cause", "owner"]


def test_no_rows_are_a_sentence(capsys: pytest.CaptureFixture[Any]) -> None:
    """Standard output stays empty, and the sentence is not taken for a result."""
    print_table(new_table("silence"), "no silence yet")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "no silence yet\n")
