from pathlib import Path

import pytest

from streamproc.tools.bench.document import filled

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize(("name", "tables"), [("performance.md", 10), ("operations.md", 1)])
def test_pages_show_kept_figures(name: str, tables: int) -> None:
    """The tables of a page are those of the figures that are kept beside it."""
    page = (DOCS / name).read_text()
    assert page.count("<!-- figures:") == page.count(" -->\n| measured |") == tables
    assert filled(page, DOCS) == page
