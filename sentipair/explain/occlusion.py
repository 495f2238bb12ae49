"""Influence by leaving out a word or covering a part of the picture, and asking the model again from the encoders on.

Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, arXiv:1311.2901, section 4.2.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PIL import Image

from sentipair.data.images import UnreadableImageError, open_image
from sentipair.data.pair import Pair, Post
from sentipair.encoders.preprocessing import Box
from sentipair.explain.explanation import Influence, Region, Word
from sentipair.explain.positions import Span, word_spans
from sentipair.features.specs import grid_boxes
from sentipair.inference import Predictor

GRID = 7
"""The picture is covered in GRID × GRID parts, one at a time."""

SIDE = 640
"""Pixels of the longer side of what is covered; larger pictures are reduced first."""


def occlusion(predictor: Predictor, pair: Pair, target: str) -> Influence:
    """The probability of ``target`` minus that without each word, and with each part of the picture covered."""
    post = opened(predictor.prepare([pair])[0])
    spans, boxes = word_spans(post.text), parts(post)
    changed = [remove(post, words=[span]) for span in spans] + [remove(post, boxes=[box]) for box in boxes]
    whole, *rest = (found.probabilities[target] for found in predictor.predict([post, *changed]))
    influence = [whole - without for without in rest]
    return Influence(
        words=tuple(
            Word(post.text[slice(*span)], value) for span, value in zip(spans, influence, strict=False)
        ),
        regions=tuple(Region(box, value) for box, value in zip(boxes, influence[len(spans) :], strict=True)),
    )


def opened(pair: Pair) -> Post:
    """The post with its picture open and not larger than ``SIDE``; without one that cannot be read."""
    picture = None
    if pair.picture is not None:
        try:
            picture = open_image(pair.picture)
            picture.thumbnail((SIDE, SIDE))
        except UnreadableImageError:
            picture = None
    return Post(
        id=pair.id, text=pair.text, opened=picture, attributes=pair.attributes, rationales=pair.rationales
    )


def parts(post: Post) -> list[Box]:
    """Corners of the parts of the post's picture, row by row; none without a picture."""
    if post.opened is None:
        return []
    return [(x0, y0, x1, y1) for x0, y0, x1, y1 in grid_boxes(GRID * GRID).tolist()]


def remove(post: Post, *, words: Collection[Span] = (), boxes: Sequence[Box] = ()) -> Post:
    """The post without the words at these places of its text, and with these parts of its picture covered."""
    text = post.text
    for start, end in sorted(words, reverse=True):
        text = text[:start] + text[end:]
    picture = cover(post.opened, boxes) if boxes and isinstance(post.opened, Image.Image) else post.opened
    return Post(id=post.id, text=text, opened=picture, attributes=post.attributes, rationales=post.rationales)


def cover(picture: Image.Image, boxes: Sequence[Box]) -> Image.Image:
    """The picture with its mean colour over ``boxes``."""
    colour = tuple(picture.resize((1, 1), Image.Resampling.BOX).tobytes())
    covered = picture.copy()
    for x0, y0, x1, y1 in boxes:
        corners = (x0 * picture.width, y0 * picture.height, x1 * picture.width, y1 * picture.height)
        left, top, right, bottom = (round(value) for value in corners)
        covered.paste(colour, (left, top, right, bottom))
    return covered
