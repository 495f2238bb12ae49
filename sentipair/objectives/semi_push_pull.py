"""The two-step update of SPP-SCL: pull within the modalities, then, if they drift apart, push between them.

Wu & Li, "SPP-SCL: Semi-Push-Pull Supervised Contrastive Learning for Image-Text Sentiment Analysis and Beyond",
AAAI 2026 (arXiv 2602.20767), algorithm 1. Authors' code: https://github.com/TomorrowJW/SPP-SCL.

Where ``fidelity="published"`` differs, as the released code does:

* within a modality the similarity of a vector with itself is set to 0 and stays in the denominator;
* the condition compares sigmoids of un-normalised embeddings;
* gradients are zeroed, not dropped, before the second step (torch 1.8), so that Adam's momentum and weight decay also
  move the parameters that the second loss does not reach.

Both variants follow the released code where the paper says otherwise: the sum over positives is divided by their number
(the paper prints 1/B), and the condition counts pairs below the mean match (the prose speaks of a threshold on the
similarity). That code sets λ to a constant 5, whatever its configuration says; here it is a setting.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim import Optimizer

from sentipair.errors import UserError
from sentipair.features import PairBatch
from sentipair.models import Fidelity, PairModel
from sentipair.objectives.base import Objective, cross_entropy, register
from sentipair.objectives.contrastive import pairs_below_mean_match, supervised_contrastive_loss
from sentipair.settings import NonNegative, Positive, Rate


@register("semi-push-pull")
class SemiPushPull(Objective):
    """λ·CE + SCL(text) + SCL(image), then SCL(text, image) in a step of its own where the condition asks for it.

    Args:
        cross_entropy_weight: λ (5 in the released code; 10 on HFM in the paper).
        temperature: τ of all contrastive losses.
        alpha: step 2 is taken when fewer than ⌊α·m⌋ text–image similarities lie below the mean of the true pairs, with
            m the number of ordered pairs of one class, an item with itself included (2/3 in the released code).
        intra: use the losses within the modalities (Table 5).
        inter: use the loss between the modalities (Table 5).
        one_step: add the loss between the modalities to the first step instead, without condition (Table 4).
        label_smoothing: of the cross-entropy.
        fidelity: see the module.
    """

    def __init__(
        self,
        *,
        cross_entropy_weight: NonNegative = 5.0,
        temperature: Positive = 0.07,
        alpha: NonNegative = 2 / 3,
        intra: bool = True,
        inter: bool = True,
        one_step: bool = False,
        label_smoothing: Rate = 0.0,
        fidelity: Fidelity = "sound",
    ) -> None:
        self.cross_entropy_weight = cross_entropy_weight
        self.temperature = temperature
        self.alpha = alpha
        self.intra = intra
        self.inter = inter
        self.one_step = one_step
        self.label_smoothing = label_smoothing
        self.published = fidelity == "published"

    def step(self, model: PairModel, batch: PairBatch, optimizer: Optimizer) -> dict[str, float]:
        """Step 1, then step 2 on a second forward pass with the new weights and fresh dropout.

        Raises:
            UserError: a model without embeddings to contrast.
        """
        output = model(batch)
        if output.text is None and output.image is None:
            raise UserError(f"{model.title} has no embeddings to contrast; set objective.name=cross-entropy")
        terms = {
            "cross_entropy": cross_entropy(output.logits, batch.labels, label_smoothing=self.label_smoothing)
        }
        loss = self.cross_entropy_weight * terms["cross_entropy"]
        for name, embedding in (("scl_text", output.text), ("scl_image", output.image)):
            if self.intra and embedding is not None:
                terms[name] = self.intra_modal(embedding, batch.labels)
                loss = loss + terms[name]
        between = self.inter and output.text is not None and output.image is not None
        if between and self.one_step:
            terms["scl_cross"] = self.inter_modal(output.text, output.image, batch.labels)
            loss = loss + terms["scl_cross"]
        self._update(loss, optimizer)
        log = {"loss": loss.item(), **{name: value.item() for name, value in terms.items()}}
        if between and not self.one_step:
            log |= self._second_step(model, batch, optimizer)
        return log

    def _second_step(self, model: PairModel, batch: PairBatch, optimizer: Optimizer) -> dict[str, float]:
        text, image = model.embed(batch)
        loss = self.inter_modal(text, image, batch.labels)
        needed = self.must_push(text, image, batch.labels)
        if needed:
            self._update(loss, optimizer)
        return {"scl_cross": loss.item(), "step2": float(needed)}

    def _update(self, loss: Tensor, optimizer: Optimizer) -> None:
        optimizer.zero_grad(set_to_none=not self.published)
        loss.backward()
        optimizer.step()

    def intra_modal(self, embedding: Tensor, labels: Tensor) -> Tensor:
        """SCL within one modality: embedding [B, D]."""
        return supervised_contrastive_loss(
            embedding,
            embedding,
            labels,
            temperature=self.temperature,
            self_pairs="zero" if self.published else "drop",
        )

    def inter_modal(self, text: Tensor | None, image: Tensor | None, labels: Tensor) -> Tensor:
        """SCL from texts to images, embeddings [B, D]; an item's own picture is a positive."""
        assert text is not None
        assert image is not None
        return supervised_contrastive_loss(
            text, image, labels, temperature=self.temperature, self_pairs="keep"
        )

    @torch.no_grad()
    def must_push(self, text: Tensor | None, image: Tensor | None, labels: Tensor) -> bool:
        """Whether the second step is to be taken (algorithm 1)."""
        assert text is not None
        assert image is not None
        below = pairs_below_mean_match(text, image, normalise=not self.published)
        same_class = int((labels.unsqueeze(1) == labels.unsqueeze(0)).sum())
        return below < int(self.alpha * same_class)
