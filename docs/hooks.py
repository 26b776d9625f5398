"""Hooks that mkdocs runs while it builds the documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

CONFIG_PAGE = """---
title: {name}
search:
  exclude: true
---
`configs/{name}`

```python
{code}```
"""
# Roles such as :class:`...` in docstrings are for editors; the site shows plain code.
ROLES = re.compile(r':(?:attr|class|data|func|meth|mod):<code>[.~]?')


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each config."""
    folder = Path(config.config_file_path).parent / 'configs'
    for path in sorted(folder.rglob('*.py')):
        name = path.relative_to(folder).as_posix()
        page = File.generated(
            config,
            f'configs/{name.removesuffix(".py")}.md',
            content=CONFIG_PAGE.format(name=name, code=path.read_text()),
            inclusion=InclusionLevel.NOT_IN_NAV,
        )
        files.append(page)
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Point links to configs at their pages, and make room for the zoo's tables."""
    if '<!-- table: ' in markdown:
        page.meta['hide'] = ['toc']
    return re.sub(r'\]\(\.\./(configs/[^)]+)\.py\)', r'](\1.md)', markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Show the names that docstrings refer to as code."""
    html = ROLES.sub('<code>', html)
    return html.replace('::</p>', ':</p>')  # reST's mark of a literal block
