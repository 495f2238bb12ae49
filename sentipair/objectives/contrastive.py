"""Supervised contrastive losses as pure functions."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

SelfPairs = Literal["keep", "drop", "zero"]


def supervised_contrastive_loss(
    anchors: Tensor,
    candidates: Tensor,
    labels: Tensor,
    *,
    temperature: float = 0.07,
    self_pairs: SelfPairs = "drop",
) -> Tensor:
    """Pull candidates of the anchor's class near, push the others away (Khosla et al. 2020, eq. 2; SPP-SCL, eqs. 6–8).

    With s_ij the cosine of anchor i and candidate j over ``temperature`` and P(i) the candidates of i's class, anchor i
    contributes −1/|P(i)| · Σ_{p∈P(i)} (s_ip − log Σ_j exp s_ij); an anchor without positives contributes 0. The loss is
    the mean over anchors.

    Args:
        anchors: [B, D].
        candidates: [B, D], row j from the same post as anchor j; ``anchors`` itself for a loss within one modality.
        labels: [B], class indices.
        temperature: τ.
        self_pairs: what becomes of j = i. ``"keep"``: a positive like any other (between modalities). ``"drop"``:
            neither positive nor in the sum over j (within a modality). ``"zero"``: not a positive, but s_ii = 0 stays
            in the sum, as in the released SPP-SCL code.

    Returns:
        A scalar; 0 for an empty batch.
    """
    similarity = _cosine(anchors, candidates) / temperature
    positives = labels.unsqueeze(1) == labels.unsqueeze(0)
    if self_pairs != "keep":
        itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        positives = positives & ~itself
        similarity = similarity.masked_fill(itself, -torch.inf if self_pairs == "drop" else 0.0)
    log_share = similarity - similarity.logsumexp(dim=1, keepdim=True)
    count = positives.sum(dim=1)
    per_anchor = -torch.where(positives, log_share, 0.0).sum(dim=1) / count.clamp(min=1)
    return per_anchor.sum() / max(len(labels), 1)


def clip_loss(text: Tensor, image: Tensor, scale: Tensor) -> Tensor:
    """Find the picture of each text among all, and the text of each picture (Radford et al. 2021, figure 3).

    The mean of the cross-entropies of scale · texts · picturesᵀ over its rows and over its columns.

    Args:
        text: [B, D], vectors of length 1.
        image: [B, D], likewise, row by row of the same posts.
        scale: a scalar, 1/τ.

    Returns:
        A scalar; 0 for an empty batch.
    """
    similarity = scale * text @ image.T  # (B, B)
    over_images, over_texts = similarity.logsumexp(dim=1), similarity.logsumexp(dim=0)
    per_pair = (over_images + over_texts) / 2 - similarity.diagonal()
    return per_pair.sum() / max(len(text), 1)


def pairs_below_mean_match(text: Tensor, image: Tensor, *, normalise: bool = True) -> int:
    """How many of the B² text–image similarities lie below the mean similarity of true pairs (SPP-SCL, algorithm 1).

    The similarity is the cosine, or with ``normalise=False`` σ(tᵀi) of the vectors as they are, as in the released
    code; σ is monotonous, so it matters only through the mean.
    """
    similarity = _cosine(text, image) if normalise else torch.sigmoid(text @ image.T)
    return int((similarity < similarity.diagonal().mean()).sum())


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    # ReLU embeddings can be all zero: the floor keeps their gradient finite and their similarity 0
    return functional.normalize(a, dim=-1, eps=1e-6) @ functional.normalize(b, dim=-1, eps=1e-6).T
