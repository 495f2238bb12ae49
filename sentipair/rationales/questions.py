"""Which questions a data set raises, and the key under which an answer is kept."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image

from sentipair.data import Pair
from sentipair.data.images import UnreadableImageError, open_image
from sentipair.files import sha256
from sentipair.progress import track
from sentipair.rationales.prompts import VERDICT, question, template, wording_for

JPEG_QUALITY = 85


class Key(NamedTuple):
    """What makes two questions the same one.

    Attributes:
        post: SHA-256 of the text and the picture's bytes.
        polarity: the reading to argue for, or ``VERDICT``.
        model: by the server's name for it.
        prompt: SHA-256 of the wording and of what else shapes the answer.
    """

    post: str
    polarity: str
    model: str
    prompt: str


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a model is asked, besides the words; the temperature is always 0.

    Attributes:
        max_tokens: the longest answer.
        picture_side: pictures are reduced to at most this many pixels on the longer side.
    """

    max_tokens: int = 200
    picture_side: int = 768

    def prompt_hash(self, text: str, polarity: str, polarities: Sequence[str]) -> str:
        """The part of a key that says how it was asked."""
        choice = "/".join(polarities) if polarity == VERDICT else ""
        words = template(wording_for(text), polarity)
        return sha256(words, choice, str(self.max_tokens), str(self.picture_side))


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question about a post, as it goes out with the picture."""

    key: Key
    words: str


@dataclass(frozen=True, kw_only=True)
class Inquiry:
    """A post and what is asked about it."""

    pair: Pair
    questions: tuple[Question, ...]


def inquire(
    pairs: Sequence[Pair],
    *,
    polarities: Sequence[str],
    asked: Sequence[str],
    model: str,
    manner: Manner,
) -> list[Inquiry]:
    """The questions about every post; reads all pictures, because their bytes take part in the key.

    Args:
        pairs: the posts.
        polarities: all classes of the data.
        asked: what is asked for: polarities, and ``VERDICT``.
        model: the server's name for the model.
        manner: how it is asked.
    """
    inquiries = []
    for pair in track(pairs, "reading posts"):
        post = post_hash(pair)
        questions = tuple(
            Question(
                key=Key(post, polarity, model, manner.prompt_hash(pair.text, polarity, polarities)),
                words=question(polarity, text=pair.text, polarities=polarities),
            )
            for polarity in asked
        )
        inquiries.append(Inquiry(pair=pair, questions=questions))
    return inquiries


def post_hash(pair: Pair) -> str:
    """SHA-256 of the text and the picture's bytes; a picture that cannot be read counts as none."""
    try:
        picture = b"" if pair.image is None else pair.image.read_bytes()
    except OSError:
        picture = b""
    return sha256(pair.text, picture)


def data_url(pair: Pair, side: int) -> str | None:
    """The picture as a JPEG of at most ``side`` pixels in a ``data:`` URL, ``None`` where there is none to be read."""
    if pair.image is None:
        return None
    try:
        image = open_image(pair.image)
    except UnreadableImageError:
        return None
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
