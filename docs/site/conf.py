"""How the pages become a site, with `poe site`.

The site has the folders of the repository: a link leads to the same place there as on a forge, and one that leads
nowhere, or to an anchor that is not there, ends the build. The lists of docs/index.md are the site's table of contents.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "llmdesk"
author = "The llmdesk authors"
extensions = ["myst_parser"]
include_patterns = ["README.md", "CHANGELOG.md", "SECURITY.md", "docs/**.md"]
root_doc = "docs/index"

nitpicky = True
myst_heading_anchors = 4
suppress_warnings = ["misc.highlighting_failure"]  # blocks of JSON that leave something out are shown as they are

html_theme = "alabaster"
html_theme_options = {
    "description": "A desk in your terminal for language models",
    "fixed_sidebar": True,
    "page_width": "1180px",
    "sidebar_width": "240px",
    "show_powered_by": False,
}
html_title = "llmdesk"
html_copy_source = False
html_extra_path = ["root"]

CONTENTS = ("docs/index", "docs/decisions/README")
"""The pages whose lists are tables of contents."""


def add_contents(_app: Sphinx, page: str, source: list[str]) -> None:
    """Say to Sphinx, below the page, what its lists say: which pages there are, and in which order."""
    if page not in CONTENTS:
        return
    for part in re.split(r"(?m)^#+ ", source[0])[1:]:
        heading, _, text = part.partition("\n")
        pages = [target.removesuffix(".md") for target in re.findall(r"(?m)^- \[.*?\]\((.+?\.md)\)", text)]
        if pages:
            source[0] += "\n".join(["\n\n```{toctree}", ":hidden:", f":caption: {heading}", "", *pages, "```\n"])


def setup(app: Sphinx) -> None:
    """Take part in the build."""
    app.connect("source-read", add_contents)
