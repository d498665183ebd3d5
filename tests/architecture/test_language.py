import json

import pytest
from architecture.language import BASELINE, ROOT, in_page, in_python, occurrences

KNOWN: dict[str, int] = json.loads(BASELINE.read_text())


def test_replaced_words_only_become_fewer() -> None:
    """No file has more of the words that docs/glossary.md replaces than the baseline allows."""
    found = occurrences()
    more = {file: lines for file, lines in found.items() if len(lines) > KNOWN.get(file, 0)}
    assert more == {}, "use the terms of docs/glossary.md"


def test_the_baseline_names_files_that_exist() -> None:
    """A file that was deleted or moved leaves the baseline."""
    assert [file for file in KNOWN if not (ROOT / file).exists()] == []


@pytest.mark.parametrize(
    "source",
    [
        "told = 1",
        "def f(rest): ...",
        "class Told: ...",
        "self.what_was_said = 1",
        "MOST_CLASSES = 50",
        "from a import b as kept",
        '"""The worker is told of it."""',
        "# it is made anew",
        'raise ValueError("this is no number")',
        'f"{name} has a process of its own"',
    ],
)
def test_the_check_finds(source: str) -> None:
    """The check reports this line, so that its silence elsewhere means something."""
    assert len(in_python(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "MAX_CLASSES = 50",
        "restart = 1",
        "use(told)",
        '{"told": 1}',
        '"""It is no longer there."""',
        "# not a number",
    ],
)
def test_the_check_allows(source: str) -> None:
    """Uses, keys of files and plain English are not reported."""
    assert in_python(source) == []


def test_pages_are_checked_outside_of_code() -> None:
    """An idiom on a page is reported with its line; code on the page is not."""
    assert in_page("fine\nmade anew\n`said` ```\nsaid\n```\n") == ["2: anew"]
