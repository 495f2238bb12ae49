"""What training data must have, checked before anything expensive is done with it."""

from __future__ import annotations

from sentipair.data import PairDataset
from sentipair.errors import UserError


def check_trainable(dataset: PairDataset) -> None:
    """Refuse data that nothing can be learned from.

    Raises:
        UserError: no training or validation posts, posts of these without a label, or one class only.
    """
    for name in ("train", "validation"):
        if not dataset.splits.get(name):
            raise UserError(f"{dataset.name} has no {name} split; {_remedy(dataset)}")
        pairs = dataset.split(name).pairs
        absent = sum(pair.label is None for pair in pairs)
        if absent:
            raise UserError(
                f"{dataset.name}: {absent} of {len(pairs)} posts of the {name} split have no label; "
                "label them or leave them out"
            )
    found = {pair.label for pair in dataset.split("train").pairs}
    if len(found) < 2:
        raise UserError(
            f"{dataset.name}: all training posts are {found.pop()!r}; a classifier needs two classes or more"
        )


def _remedy(dataset: PairDataset) -> str:
    if dataset.scheme == "as-given":
        return "mark posts for it in the column split, or leave the column out to have all splits made"
    return f"{len(dataset)} posts are too few for three splits; add posts"
