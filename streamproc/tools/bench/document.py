"""Write the tables of stored figures into a Markdown page, between markers.

``python -m streamproc.tools.bench.document docs/performance.md`` reads, for each pair of markers
``<!-- figures: FILE PART -->`` and ``<!-- end -->``, the table of one part from one JSON file.
"""

import json
import re
import sys
from pathlib import Path
from typing import Final

from streamproc.tools.bench.report import markdown

_PLACE: Final = re.compile(r"(<!-- figures: (\S+) (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str, folder: Path) -> str:
    """Return a page with the tables that its markers name.

    Parameters
    ----------
    page
        Markdown.
    folder
        From which the markers' files are named.
    """

    def table(found: re.Match[str]) -> str:
        report = json.loads((folder / found[2]).read_text())
        lines = "\n".join(markdown(report["parts"][found[3]]))
        return f"{found[1]}{lines}\n{found[4]}"

    return _PLACE.sub(table, page)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.write_text(filled(place.read_text(), place.parent))
