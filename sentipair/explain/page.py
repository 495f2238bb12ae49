"""An explanation as a page: the three opinions, shaded words and picture, and what the model itself attended to."""

from __future__ import annotations

from pathlib import Path

from sentipair.data.images import UnreadableImageError, open_image
from sentipair.data.pair import Pair
from sentipair.errors import UserError
from sentipair.explain.explanation import Explanation
from sentipair.explain.picture import write_picture
from sentipair.explain.shading import opinions, pieces_of, role, shades
from sentipair.files import write_text
from sentipair.reporting.attention import outline, shade_words
from sentipair.reporting.examples import thumbnail
from sentipair.reporting.page import render

SIDE = 640
"""Pixels of the picture's longer side."""

PICTURES = (".png", ".svg", ".pdf")


def write_explanation(path: Path, explanation: Explanation, pair: Pair) -> Path:
    """Write ``explanation`` of ``pair`` as an HTML page or a picture, by the ending of ``path``, and return that.

    Raises:
        UserError: another ending.
    """
    if path.suffix.lower() in PICTURES:
        return write_picture(path, explanation, pair)
    if path.suffix.lower() != ".html":
        raise UserError(f"cannot write {path.name}; end it in .html, {', '.join(PICTURES)}")
    write_text(path, page(explanation, pair))
    return path


def page(explanation: Explanation, pair: Pair) -> str:
    """The page as HTML; it needs no network."""
    said, regions, attention = explanation.prediction, explanation.regions, explanation.attention
    seen = attention.get("regions") or attention.get("cells") or ()
    others = dict(attention.get("weights", {}))
    return render(
        "explanation.html",
        title=said.label or "The model abstains",
        facts={
            "confidence": f"{said.confidence:.0%}",
            "explained": explanation.target,
            "method": explanation.method.replace("-", " "),
        },
        explanation=explanation,
        opinions=opinions(explanation),
        picture=_picture(pair),
        pieces=pieces_of(explanation),
        parts=list(zip(regions, shades([region.influence for region in regions]), strict=True)),
        strongest=sorted(explanation.words, key=lambda word: -abs(word.influence))[:5],
        role=role,
        areas=outline(seen, others.pop("gates", ())),
        weighed=shade_words(explanation.text, attention["words"]) if attention.get("words") else (),
        others=others,
    )


def _picture(pair: Pair) -> str | None:
    try:
        return None if pair.picture is None else thumbnail(open_image(pair.picture), side=SIDE)
    except UnreadableImageError:
        return None
