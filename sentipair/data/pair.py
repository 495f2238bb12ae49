"""A post and a data set of posts: the first of the four contracts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, overload

from sentipair.errors import UserError
from sentipair.files import sha256

if TYPE_CHECKING:
    from PIL.Image import Image

    from sentipair.data.images import Picture

Modality = Literal["text", "image"]
"""One half of a pair."""
OTHER: Mapping[Modality, Modality] = {"text": "image", "image": "text"}

SENTIMENT = ("positive", "neutral", "negative")
SARCASM = ("not sarcastic", "sarcastic")
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A picture and a text that were posted together.

    A missing picture (``image is None``) and an empty ``text`` are states that every stage handles.

    Attributes:
        votes: each annotator's label of the post, where a data set comes with several (MVSA-Multiple); None where the
            rule that made ``label`` makes none of an annotator's.
        attributes: words that name what is in the picture, where a data set comes with them (HFM).
        rationales: polarity → why the post could be meant so, in a large multimodal model's words.
    """

    id: str
    text: str = ""
    image: Path | None = None
    label: str | None = None
    text_label: str | None = None
    image_label: str | None = None
    votes: tuple[str | None, ...] = ()
    attributes: tuple[str, ...] = ()
    rationales: Mapping[str, str] = field(default_factory=dict)

    @property
    def picture(self) -> Picture | None:
        """What there is to open."""
        return self.image

    def without(self, kind: Modality) -> Self:
        """The post with an empty text, or with no picture, and without what was made from it."""
        return (
            replace(self, text="", rationales={})
            if kind == "text"
            else replace(self, image=None, attributes=())
        )


@dataclass(frozen=True, kw_only=True)
class Post(Pair):
    """A post whose picture, if any, is not a file: the content of one, or a picture that is open already."""

    opened: bytes | Image | None = None

    @property
    def picture(self) -> Picture | None:
        """What there is to open."""
        return self.opened

    def without(self, kind: Modality) -> Self:
        """See ``Pair.without``."""
        post = super().without(kind)
        return post if kind == "text" else replace(post, opened=None)


@dataclass(frozen=True, kw_only=True)
class PairDataset(Sequence[Pair]):
    """Pairs with their classes and splits, and all that tells one variant of a data set from another.

    Attributes:
        name: ``"mvsa-single"``, or the file name of an own table.
        variant: the rule that made the labels, such as ``"polarity-wins"``.
        scheme: where the splits come from, such as ``"clmlf"``, ``"cheema-2021/3"`` or ``"own/seed=0"``.
        text_steps: names of the text normalisation steps that were applied, in order.
        classes: class names; a label's index in ``logits`` is its place here.
        pairs: all pairs, in the order of the files.
        splits: split name → ids; a subset of ``SPLITS``.
        problems: what the reader missed or left out, one line each, for the user.
    """

    name: str
    classes: tuple[str, ...]
    pairs: tuple[Pair, ...]
    variant: str = "as-given"
    scheme: str = "none"
    text_steps: tuple[str, ...] = ()
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        twice = [key for key, count in Counter(pair.id for pair in self.pairs).items() if count > 1]
        if twice:
            raise UserError(
                f"{self.name}: {len(twice)} ids occur twice, the first is {twice[0]!r}; make them unique"
            )
        unknown = {pair.label for pair in self.pairs if pair.label is not None} - set(self.classes)
        if unknown:
            raise UserError(
                f"{self.name}: labels {sorted(unknown)} are not among the classes {list(self.classes)}"
            )

    def __len__(self) -> int:
        return len(self.pairs)

    @overload
    def __getitem__(self, index: int) -> Pair: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Pair]: ...
    def __getitem__(self, index: int | slice) -> Pair | Sequence[Pair]:
        return self.pairs[index]

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.pairs)

    @cached_property
    def by_id(self) -> Mapping[str, Pair]:
        """Pairs by their id."""
        return {pair.id: pair for pair in self.pairs}

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of name, variant, scheme, text steps, splits and every pair's id, texts and label.

        Pictures take part by presence only; their bytes are identified by the feature store.
        """
        lists = ("\n".join(names) for names in (self.text_steps, self.classes))
        head = (self.name, self.variant, self.scheme, *lists)
        rows = (part for pair in self.pairs for part in _content(pair))
        ids = (part for name, members in sorted(self.splits.items()) for part in (name, *members))
        return sha256(*head, *rows, *ids)

    @cached_property
    def own_labels(self) -> str:
        """SHA-256 of the labels that text and picture have each by itself; a model may learn them."""
        rows = ((pair.id, pair.text_label or "", pair.image_label or "") for pair in self.pairs)
        return sha256(*(part for row in rows for part in row))

    @property
    def without_rationales(self) -> PairDataset:
        """The posts as they were published: rationales are what a model reads beside them."""
        return replace(self, pairs=tuple(replace(pair, rationales={}) for pair in self.pairs))

    def label_indices(self) -> list[int]:
        """Each pair's class index, −1 where it has no label."""
        index = {name: i for i, name in enumerate(self.classes)}
        return [-1 if pair.label is None else index[pair.label] for pair in self.pairs]

    def counts(self) -> dict[str, int]:
        """Pairs per class, in the order of ``classes``."""
        found = Counter(pair.label for pair in self.pairs)
        return {name: found[name] for name in self.classes}

    def split(self, name: str) -> PairDataset:
        """The pairs of one split, in the order of its id list.

        Raises:
            UserError: the data set has no such split.
        """
        if name not in self.splits:
            known = ", ".join(self.splits) or "none"
            raise UserError(f"{self.name} has no split {name!r} (it has: {known})")
        ids = self.splits[name]
        return replace(self, pairs=tuple(self.by_id[i] for i in ids), splits={name: ids}, problems=())


def _content(pair: Pair) -> Iterator[str]:
    yield from (pair.id, pair.text, pair.label or "", "1" if pair.image else "0")
    yield from pair.attributes
    for polarity, rationale in sorted(pair.rationales.items()):
        yield from (polarity, rationale)
