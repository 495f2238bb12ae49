"""An explanation as one picture, for a slide or a paper."""

from __future__ import annotations

import warnings
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from sentipair.data.images import UnreadableImageError, open_image
from sentipair.data.pair import Pair
from sentipair.explain.explanation import Explanation
from sentipair.explain.shading import opinions, pieces_of, role, shades
from sentipair.files import atomic_write
from sentipair.reporting.style import LIGHT, styled

WIDTH, PANEL, LEGEND, LINE, MARGIN = 9.0, 3.2, 0.6, 0.27, 0.3
"""Inches: of the whole, of the row with picture and bars, of what stands below the bars, of a line, around it all."""

LETTERS = 88
"""That a line holds, roughly; says how high the picture must be."""

LONGEST = 800
"""Characters of the text that are shown."""

STRONGEST = 0.6
"""Opacity of the full shade."""

SIDE = 640
"""Pixels of the picture's longer side."""

PAPER = Image.new("RGB", (1, 1), "white")
"""Laid over the picture, which also loses its colours, so that the shades can be told apart."""

DPI = 160


@styled
def write_picture(path: Path, explanation: Explanation, pair: Pair) -> Path:
    """Write the picture with shaded parts, the opinions as bars, and the shaded text beneath; returns ``path``."""
    lines = 2 + min(len(explanation.text), LONGEST) // LETTERS
    height = PANEL + LEGEND + lines * LINE + 2 * MARGIN
    figure = Figure(figsize=(WIDTH, height), facecolor="white")
    FigureCanvasAgg(figure)
    half = WIDTH / 2 - 1.5 * MARGIN
    bottom = height - MARGIN - PANEL

    def panel(left: float, width: float) -> Axes:
        return figure.add_axes((left / WIDTH, bottom / height, width / WIDTH, PANEL / height))

    draw_parts(panel(MARGIN, half), explanation, pair)
    draw_opinions(panel(2 * MARGIN + half + 1.0, half - 1.0), explanation)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a letter that the font lacks becomes a box
        write_words(figure, explanation, top=bottom - LEGEND)
        with atomic_write(path) as file:
            figure.savefig(file, format=path.suffix[1:].lower(), dpi=DPI)
    return path


def draw_parts(axes: Axes, explanation: Explanation, pair: Pair) -> None:
    """The picture with its parts shaded by influence."""
    axes.set_axis_off()
    try:
        image = None if pair.picture is None else open_image(pair.picture)
    except UnreadableImageError:
        image = None
    if image is None:
        axes.text(0.5, 0.5, "no picture", ha="center", va="center", color=LIGHT["muted"])
        return
    image.thumbnail((SIDE, SIDE))
    axes.set_anchor("NW")
    axes.imshow(Image.blend(image.convert("L").convert("RGB"), PAPER.resize(image.size), 0.25))
    values = [region.influence for region in explanation.regions]
    for region, shade in zip(explanation.regions, shades(values), strict=True):
        x0, y0, x1, y1 = region.box
        corner, size = (
            (x0 * image.width, y0 * image.height),
            ((x1 - x0) * image.width, (y1 - y0) * image.height),
        )
        axes.add_patch(Rectangle(corner, *size, linewidth=0, facecolor=_colour(shade)))
    if values:
        extremes = f"{100 * min(values):+.1f} to {100 * max(values):+.1f} points".replace("-", "−")
        axes.set_title(f"parts of the picture: {extremes}", loc="left", color=LIGHT["muted"])


def draw_opinions(axes: Axes, explanation: Explanation) -> None:
    """A group of bars per class: together, the text alone, the picture alone."""
    said = opinions(explanation)
    classes = list(explanation.prediction.probabilities)
    colours = {"together": "accent", "text alone": "class-1", "picture alone": "same"}
    thickness = 0.8 / len(said)
    for place, (name, probabilities) in enumerate(said.items()):
        rows = [index + (place - (len(said) - 1) / 2) * thickness for index in range(len(classes))]
        values = [100 * probabilities[label] for label in classes]
        axes.barh(rows, values, height=0.85 * thickness, color=LIGHT[colours[name]], label=name)
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlim(0, 100)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_title(f"{explanation.prediction.label or 'abstains'}, in per cent", loc="left")
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.06), ncols=len(said), columnspacing=1.0)


def write_words(figure: Figure, explanation: Explanation, *, top: float) -> None:
    """The text with its words shaded, from ``top`` (inches) downwards, as many lines as it takes."""
    width, height = figure.get_size_inches()
    x, y = MARGIN, top
    figure.text(x / width, y / height, f"words: for and against {explanation.target}", color=LIGHT["muted"])
    x, y, left = MARGIN, y - LINE, LONGEST
    for piece in pieces_of(explanation):
        left -= len(piece.text)
        if left < 0:
            return
        if piece.shade is None:
            x += 0.07
            continue
        word = figure.text(x / width, y / height, piece.text, bbox=_box(piece.shade))
        extent = word.get_window_extent().width / figure.dpi
        if x > MARGIN and x + extent > width - MARGIN:
            x, y = MARGIN, y - LINE
            word.set_position((x / width, y / height))
        x += extent


def _box(shade: float) -> dict[str, object]:
    return {"facecolor": _colour(shade), "linewidth": 0, "pad": 1.5}


def _colour(shade: float) -> tuple[float, float, float, float]:
    return to_rgba(LIGHT[role(shade)], STRONGEST * abs(shade))
