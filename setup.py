"""The long description of the distribution: README.md, with links that work on a package index."""

import re
import tomllib
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent


def long_description() -> str:
    """Return the README with every relative link made absolute."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    base = f"{project['urls']['Homepage']}/blob/v{project['version']}/"
    text = (ROOT / "README.md").read_text("utf-8")
    return re.sub(r"\]\((?![a-z]+:|#)", f"]({base}", text)


setup(long_description=long_description(), long_description_content_type="text/markdown")
