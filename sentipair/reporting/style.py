"""The one look of every figure: colours that survive colour blindness, light and dark, and no decoration."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping
from html import escape
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

LIGHT: Mapping[str, str] = {
    "page": "#f6f7f9",
    "card": "#ffffff",
    "ink": "#1c2430",
    "muted": "#616b7a",
    "line": "#dde1e8",
    "accent": "#1767a6",
    "floor": "#a8511c",
    "same": "#0e8a73",
    "different": "#8b6f9e",
    "class-0": "#1b6fb4",
    "class-1": "#dd9c12",
    "class-2": "#c5411e",
    "class-3": "#11906f",
    "class-4": "#8a4fa6",
    "class-5": "#4aabdb",
    "class-6": "#7b6a57",
    "class-7": "#596171",
}
DARK: Mapping[str, str] = {
    "page": "#12161c",
    "card": "#1a2029",
    "ink": "#e6eaf0",
    "muted": "#98a3b3",
    "line": "#303845",
    "accent": "#62b0ea",
    "floor": "#e39561",
    "same": "#38c2a6",
    "different": "#b79bcb",
    "class-0": "#5aa9e6",
    "class-1": "#f0b73f",
    "class-2": "#ef7350",
    "class-3": "#3fc19d",
    "class-4": "#c08ad9",
    "class-5": "#8accf0",
    "class-6": "#b8a48c",
    "class-7": "#a0a9b8",
}
"""The same roles after dark. Figures are drawn in LIGHT; a page replaces each colour by its role."""

CLASS_COLOURS = tuple(f"class-{i}" for i in range(8))
CLASS_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
"""Classes differ in shape as well as in colour; eight colours meet other shapes the second time round."""

ENLARGE = 1.25
"""How far a page may scale a figure up, so that its letters stay near the size of the text around it."""

SETTINGS: Any = {
    "font.family": "sans-serif",
    "font.size": 9.5,
    "axes.titlesize": 9.5,
    "axes.edgecolor": LIGHT["line"],
    "axes.labelcolor": LIGHT["muted"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": LIGHT["line"],
    "grid.linewidth": 0.7,
    "xtick.color": LIGHT["line"],
    "ytick.color": LIGHT["line"],
    "xtick.labelcolor": LIGHT["muted"],
    "ytick.labelcolor": LIGHT["muted"],
    "text.color": LIGHT["ink"],
    "text.parse_math": False,
    "lines.linewidth": 1.7,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.labelcolor": LIGHT["ink"],
    "legend.handlelength": 1.4,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "sentipair",
}

styled = rc_context(SETTINGS)
"""Decorator of every function that draws."""


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of one panel, in inches, that belongs to no window and no global state."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def class_colour(index: int) -> str:
    """The colour of the class with this index."""
    return LIGHT[CLASS_COLOURS[index % len(CLASS_COLOURS)]]


def class_marker(index: int) -> str:
    """The marker of the class with this index."""
    return CLASS_MARKERS[(index + index // len(CLASS_COLOURS)) % len(CLASS_MARKERS)]


@styled
def to_svg(figure: Figure, *, name: str, label: str) -> str:
    """``figure`` as an SVG element for a page: colours follow the page's theme, text is text.

    Args:
        name: unique on the page; prefixes every id inside.
        label: what the figure shows, for screen readers.
    """
    file = io.StringIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # the browser has the fonts, whatever the script
        figure.savefig(file, format="svg", transparent=True)
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    for before, after in (('id="', 'id="{}-'), ('href="#', 'href="#{}-'), ("url(#", "url(#{}-")):
        svg = svg.replace(before, after.format(name))
    for role, colour in LIGHT.items():
        svg = svg.replace(colour, f"var(--{role})")
    width = round(ENLARGE * 96 * figure.get_figwidth())
    return svg.replace(
        "<svg", f'<svg role="img" aria-label="{escape(label)}" style="max-width: {width}px"', 1
    )


def standalone(svg: str) -> str:
    """What ``to_svg`` gave as a file of its own: light colours on white, whatever the theme around it."""
    for role, colour in LIGHT.items():
        svg = svg.replace(f"var(--{role})", colour)
    return svg.replace('style="', 'style="background: white; font-family: sans-serif; ', 1)


def css_variables(palette: Mapping[str, str]) -> str:
    """The colours as CSS custom properties."""
    return " ".join(f"--{role}: {colour};" for role, colour in palette.items())
