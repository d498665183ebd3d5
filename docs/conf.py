"""Configuration of the documentation site: `make docs`."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from sphinx.application import Sphinx

_ROOT = Path(__file__).parents[1]
_PROJECT = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["project"]

project = _PROJECT["name"]
author = _PROJECT["authors"][0]["name"]
copyright = author  # noqa: A001  Sphinx' name
version = release = _PROJECT["version"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinxcontrib.mermaid",
]
myst_enable_extensions = ["colon_fence"]
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 4
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = False
napoleon_use_ivar = True
nitpicky = False  # types of NumPy and River would need their inventories from the network
autodoc_default_options = {"members": True, "show-inheritance": False}
exclude_patterns = ["figures"]
suppress_warnings = ["ref.python"]  # a parameter that several classes have, in single backticks

html_theme = "furo"
html_title = f"{project} {release}"
html_show_copyright = False

# Pages that are files at the top of the repository, where people look for them.
_TOP = {
    "index": "README",
    "architecture": "ARCHITECTURE",
    "changelog": "CHANGELOG",
    "contributing": "CONTRIBUTING",
    "vulnerabilities": "SECURITY",
}


def _include(_app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the file at the top into its page, with links as they are from there."""
    if docname not in _TOP:
        return
    text = (_ROOT / f"{_TOP[docname]}.md").read_text("utf-8")
    text = re.sub(r"\]\((?![a-z]+:|#|docs/)", "](../", text).replace("](docs/", "](")
    for page, file in _TOP.items():
        text = text.replace(f"](../{file}.md", f"]({page}.md")
    source[0] = text + source[0].partition("\n")[2]


def _describe_fields(
    _app: Sphinx, _what: str, _name: str, item: Any, _options: Any, lines: list[str]
) -> None:
    """List the fields of a model of the contract with their descriptions."""
    if not (isinstance(item, type) and issubclass(item, BaseModel)):
        return
    lines += ["", *_fields(item), ""]


def _fields(model: type[BaseModel]) -> Iterable[str]:
    for name, field in model.model_fields.items():
        need = "required" if field.is_required() else "optional"
        text = (field.description or "").replace("`", "``")
        yield f"- **{name}** ({need}): {text}"


def setup(app: Sphinx) -> None:
    """Register the two hooks."""
    app.connect("source-read", _include)
    app.connect("autodoc-process-docstring", _describe_fields)
