"""MLCL, the multi-label contrastive loss of MPT, beside the cross-entropy.

Ma, Xu, Li & Fu, "Multimodal Sentiment Analysis with Multi-Perspective Thinking via Large Multimodal Models", CIKM 2025,
https://doi.org/10.1145/3746252.3761328. Authors' code: https://github.com/RMJHQwQ/MPT. "Multi-label" means: by class.

The sound variant is the paper's loss between texts and pictures as it must be meant. As printed, the sum over positives
runs over all texts, with e⁰ in the numerator of the negatives; here it runs over the texts of the picture's class.
Where the paper prints a sum over pictures, this is their mean, so that λ₂ does not depend on the batch size.

``fidelity="published"`` is what the released code computes instead: a supervised contrastive loss on the fused vectors,
τ = .07, in which every vector is its own positive too. That code has λ₁ = λ₂ = .5 and a label smoothing of .05.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional
from torch.optim import Optimizer

from sentipair.features import PairBatch
from sentipair.models import Fidelity, PairModel, PairOutput
from sentipair.objectives.base import Objective, cross_entropy, register
from sentipair.objectives.contrastive import supervised_contrastive_loss
from sentipair.settings import NonNegative, Rate

TEMPERATURE = 0.07
"""τ of the released code; the paper's loss has none."""
EPSILON = 1e-8
"""ε in the paper's denominator."""


def text_image_contrastive_loss(text: Tensor, image: Tensor, labels: Tensor) -> Tensor:
    """Pull the texts of a picture's class to it, push them from all other pictures (MPT's MLCL).

    With s_ti the cosine of text t and picture i and C(i) the texts of i's class, its own included, picture i
    contributes −1/|C(i)| · Σ_{t∈C(i)} log(exp s_ti / (Σ_{j≠i} exp s_tj + ε)). The loss is the mean over pictures.

    Args:
        text: [B, D].
        image: [B, D], row i from the same post as text i.
        labels: [B], class indices.

    Returns:
        A scalar; 0 for fewer than two posts, where nobody is to be pushed away.
    """
    if len(labels) < 2:
        return text.new_zeros(())
    unit_text, unit_image = (functional.normalize(each, dim=-1, eps=1e-6) for each in (text, image))
    similarity = unit_text @ unit_image.T  # (texts, pictures)
    exponentials = similarity.exp()
    others = exponentials.sum(dim=1, keepdim=True) - exponentials
    log_share = similarity - (others + EPSILON).log()
    positives = (labels.unsqueeze(1) == labels.unsqueeze(0)).to(log_share.dtype)
    return -((positives * log_share).sum(dim=0) / positives.sum(dim=0)).mean()


@register("multi-label-contrastive")
class MultiLabelContrastive(Objective):
    """λ₁·CE + λ₂·MLCL; for a model without the embeddings in question the cross-entropy alone.

    Args:
        cross_entropy_weight: λ₁.
        contrastive_weight: λ₂; 0 leaves MLCL out (Table 6). The paper's best is .05 to .10 (Figure 7).
        label_smoothing: of the cross-entropy.
        fidelity: see the module.
    """

    def __init__(
        self,
        *,
        cross_entropy_weight: NonNegative = 1.0,
        contrastive_weight: NonNegative = 0.1,
        label_smoothing: Rate = 0.0,
        fidelity: Fidelity = "sound",
    ) -> None:
        self.cross_entropy_weight = cross_entropy_weight
        self.contrastive_weight = contrastive_weight
        self.label_smoothing = label_smoothing
        self.published = fidelity == "published"

    def step(self, model: PairModel, batch: PairBatch, optimizer: Optimizer) -> dict[str, float]:
        """One forward pass, one update."""
        output = model(batch)
        entropy = cross_entropy(output.logits, batch.labels, label_smoothing=self.label_smoothing)
        loss = self.cross_entropy_weight * entropy
        log = {"cross_entropy": entropy.item()}
        contrast = self.contrast(output, batch.labels) if self.contrastive_weight else None
        if contrast is not None:
            loss = loss + self.contrastive_weight * contrast
            log["mlcl"] = contrast.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return {"loss": loss.item(), **log}

    def contrast(self, output: PairOutput, labels: Tensor) -> Tensor | None:
        """MLCL of B posts; None where the model has not got the embeddings."""
        if self.published:
            if output.fused is None:
                return None
            return supervised_contrastive_loss(
                output.fused, output.fused, labels, temperature=TEMPERATURE, self_pairs="keep"
            )
        if output.text is None or output.image is None:
            return None
        return text_image_contrastive_loss(output.text, output.image, labels)
