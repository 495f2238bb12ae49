"""MVSA-Single and MVSA-Multiple: tweets whose text and picture were labelled by one or three people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from sentipair.data.labels import FUSION_RULES, majority
from sentipair.data.pair import SENTIMENT, Pair
from sentipair.data.presence import some
from sentipair.data.readers.clmlf import read_rows
from sentipair.data.readers.registry import Reader, register
from sentipair.data.text import decode
from sentipair.errors import UserError
from sentipair.progress import track

ENCODING = "gb18030"
"""MVSA-Single's texts were released in the Chinese code page: A1 AD is ``…``. CLMLF's copy garbles these."""

RELEASED, COPIED, ABSENT = "as released", "taken from splits/*.json", "absent"
"""Where a text came from."""


class MVSA(Reader):
    """Both sets: the majority of the annotators (one or three) per modality, and the fusion rule."""

    unreadable: ClassVar[frozenset[str]] = frozenset()
    """Posts whose released picture cannot be opened; no published split has them."""

    classes = SENTIMENT
    variants = tuple(FUSION_RULES)
    citation = "Niu, Zhu, Pang, El Saddik: Sentiment Analysis on Multi-View Social Data. MMM 2016."
    source = "https://mcrlab.net/research/mvsa-sentiment-analysis-on-multi-view-social-data/"
    layout = "labelResultAll.txt, data/<id>.jpg and data/<id>.txt"
    needs = ("labelResultAll.txt",)

    def read(self, root: Path, variant: str) -> tuple[list[Pair], list[str]]:
        """The posts that have a majority for both modalities and two labels that the variant's rule can fuse.

        A text that is not in ``data`` is taken from CLMLF's files in ``splits``, where these are present.
        """
        fused, problems = _fused(root, variant)
        pairs = [pair for pair in fused if pair.id not in self.unreadable]
        damaged = [pair.id for pair in fused if pair.id in self.unreadable]
        if damaged:
            count = f"{len(damaged):,} of {len(fused):,}"
            problems.append(f"{count} posts left out, released with a damaged picture: {some(damaged)}")
        files = [root / "splits" / f"{split}.json" for split in ("train", "dev", "test")]
        copies = {row.id: row.text for file in files if file.is_file() for row in read_rows(file)}
        origins: Counter[str] = Counter()
        complete = []
        for pair in track(pairs, "reading texts"):
            text, origin = _text(root / "data" / f"{pair.id}.txt", copies.get(pair.id))
            origins[origin] += 1
            complete.append(replace(pair, text=text))
        problems += [
            f"{origins[origin]:,} of {len(pairs):,} texts {origin}, looked for in {root / 'data'}"
            for origin in (COPIED, ABSENT)
            if origins[origin]
        ]
        return complete, problems


@register
class MVSASingle(MVSA):
    """One annotator per post."""

    name = "mvsa-single"
    title = "4,869 tweets, one annotator; 4,511 by polarity-wins, 2,592 by agree-only"


@register
class MVSAMultiple(MVSA):
    """Three annotators per post."""

    name = "mvsa-multiple"
    title = "19,600 tweets, three annotators; 17,025 by polarity-wins, 17,024 of them in CLMLF's split"
    unreadable = frozenset({"3151", "3910", "5995"})


def _fused(root: Path, variant: str) -> tuple[list[Pair], list[str]]:
    path = root / "labelResultAll.txt"
    fuse = FUSION_RULES[variant]
    pairs = []
    undecided = opposed = 0
    for number, line in enumerate(decode(path.read_bytes()).splitlines(), start=1):
        if not line.strip() or (number == 1 and line.startswith("ID")):
            continue
        key, text_votes, image_votes = _votes(line, place=f"{path}, line {number}")
        text_label, image_label = majority(text_votes), majority(image_votes)
        if text_label is None or image_label is None:
            undecided += 1
        elif label := fuse(text_label, image_label):
            votes = tuple(map(fuse, text_votes, image_votes))
            pairs.append(
                Pair(
                    id=key,
                    image=root / "data" / f"{key}.jpg",
                    label=label,
                    text_label=text_label,
                    image_label=image_label,
                    votes=votes if len(votes) > 1 else (),
                )
            )
        else:
            opposed += 1
    total = len(pairs) + undecided + opposed
    problems = []
    if undecided:
        problems.append(f"{undecided:,} of {total:,} posts left out, no majority among the annotators")
    if opposed:
        problems.append(
            f"{opposed:,} of {total:,} posts left out by {variant}, text and picture labels clash"
        )
    return pairs, problems


def _votes(line: str, *, place: str) -> tuple[str, Sequence[str], Sequence[str]]:
    key, *cells = line.split("\t")
    votes = [cell.strip().split(",") for cell in cells]
    if not votes or any(len(vote) != 2 or not set(vote) <= set(SENTIMENT) for vote in votes):
        raise UserError(
            f"{place}: expected an id and then labels like positive,neutral; restore the released file"
        )
    return key.strip(), [text for text, _ in votes], [image for _, image in votes]


def _text(path: Path, copy: str | None) -> tuple[str, str]:
    """The text, and where it came from."""
    try:
        return decode(path.read_bytes(), encoding=ENCODING), RELEASED
    except FileNotFoundError:
        return (copy, COPIED) if copy is not None else ("", ABSENT)
