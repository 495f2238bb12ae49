"""A self-contained HTML page of tables and figures: the look of the run report for everything that compares runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from sentipair.files import write_text
from sentipair.reporting.style import DARK, LIGHT, css_variables, standalone
from sentipair.reporting.tables import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """An SVG with its heading and a sentence beneath."""

    title: str
    svg: str
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Tables, then figures, under one heading."""

    title: str
    lead: str = ""
    tables: Sequence[Table] = ()
    drawings: Sequence[Drawing] = ()


def write_page(path: Path, *, title: str, facts: Mapping[str, str], sections: Sequence[Section]) -> Path:
    """Write the page to ``path`` and return it; it needs no network."""
    write_text(path, render("page.html", title=title, facts=facts, sections=sections))
    return path


def write_figures(folder: Path, sections: Sequence[Section]) -> None:
    """Every figure of a page as an SVG file in ``folder``, named after its section and its own title."""
    for section in sections:
        for drawing in section.drawings:
            name = re.sub(r"[^a-z0-9]+", "-", f"{section.title} {drawing.title}".lower()).strip("-")
            write_text(folder / f"{name}.svg", standalone(drawing.svg))


def render(template: str, **page: Any) -> str:
    """``template`` filled with ``page``, everything escaped, in the colours of ``style``."""
    templates = Environment(
        loader=PackageLoader("sentipair.reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    colours = {"light": css_variables(LIGHT), "dark": css_variables(DARK)}
    return templates.get_template(template).render(**page, **colours)
