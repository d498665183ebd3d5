from pathlib import Path

from streamproc.bench.document import filled

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"


def test_performance_page_shows_kept_figures() -> None:
    """The tables of the performance page are those of the figures that are kept beside it."""
    page = PAGE.read_text()
    assert page.count("<!-- figures:") == 5
    assert filled(page, PAGE.parent) == page
