"""The audit itself: read every picture once, compare everything with everything."""

from __future__ import annotations

from sentipair.data.audit.agreement import agreement
from sentipair.data.audit.balance import split_balance
from sentipair.data.audit.repeats import Duplicates, contamination, find_duplicates
from sentipair.data.audit.report import AuditReport
from sentipair.data.duplicates import (
    TEXT_LEVELS,
    PictureKey,
    Pictures,
    keys_of,
    picture_links,
    read_pictures,
    same_key_links,
    text_key,
)
from sentipair.data.images import UnreadableImageError
from sentipair.data.pair import SPLITS, PairDataset


def audit(dataset: PairDataset, *, pictures: Pictures | None = None) -> AuditReport:
    """Examine a data set; pictures may be absent, labels and splits too.

    ``pictures`` is what ``read_pictures`` gave for these pairs, where that has been done already.

    Criteria and limits are those of ``sentipair.data.duplicates``. Groups are transitive: a pair is a twin of
    every pair in its group.
    """
    pairs = dataset.pairs
    splits = {name: dataset.splits[name] for name in SPLITS if name in dataset.splits}
    known = read_pictures(pairs) if pictures is None else pictures
    keys = keys_of(pairs, known)
    problems = {pair.id: known[pair.image] for pair in pairs if pair.image}
    unreadable = {
        i: str(problem) for i, problem in problems.items() if isinstance(problem, UnreadableImageError)
    }

    def duplicates(kind: str, level: str, links: list[tuple[int, int]]) -> Duplicates:
        return find_duplicates(pairs, links, kind=kind, level=level, splits=splits)

    texts = [
        duplicates("text", level, same_key_links([text_key(pair.text, level) for pair in pairs]))
        for level in TEXT_LEVELS
    ]
    identical = duplicates("picture", "identical", same_key_links([key and key.sha256 for key in keys]))
    similar = duplicates("picture", "similar", picture_links(keys))
    parts = {name: dataset.split(name).pairs for name in splits} or {"all": pairs}
    return AuditReport(
        name=dataset.name,
        variant=dataset.variant,
        scheme=dataset.scheme,
        text_steps=dataset.text_steps,
        classes=dataset.classes,
        pairs=len(pairs),
        splits=tuple(split_balance(name, members, dataset.classes) for name, members in parts.items()),
        agreement={name: found for name, members in parts.items() if (found := agreement(members))},
        pictures=sum(key is not None for key in keys),
        missing=tuple(pair.id for pair in pairs if pair.image is None),
        unreadable=unreadable,
        plain=tuple(pair.id for pair, key in zip(pairs, keys, strict=True) if _is_plain(key)),
        empty_texts=tuple(pair.id for pair in pairs if not pair.text.strip()),
        duplicates=(*texts, identical, similar),
        contamination=contamination(splits, by_picture=similar, by_text=texts[0]),
        problems=dataset.problems,
    )


def _is_plain(key: PictureKey | None) -> bool:
    return key is not None and key.plain
