"""Two stages: the towers of a model by the CLIP loss alone, then everything else by cross-entropy.

The first stage stands in for CLIP's own training (Radford et al. 2021, arXiv 2103.00020) on the training pairs.
"""

from __future__ import annotations

from torch import Tensor
from torch.optim import Optimizer

from sentipair.features import PairBatch
from sentipair.models import PairModel, PairOutput
from sentipair.models.joint_space import TwoTowers, towers_of
from sentipair.objectives.base import CrossEntropy, register
from sentipair.objectives.contrastive import clip_loss
from sentipair.settings import Count, Rate


@register("two-tower-first")
class TwoTowerFirst(CrossEntropy):
    """The CLIP loss between ``output.text`` and ``output.image``; from the next stage on cross-entropy, towers frozen.

    The stage depends on the epoch's number alone. A model without towers has the second stage only.

    Args:
        contrastive_epochs: length of the first stage; none of these epochs can be chosen.
        label_smoothing: of the cross-entropy.
    """

    def __init__(self, *, contrastive_epochs: Count = 5, label_smoothing: Rate = 0.0) -> None:
        super().__init__(label_smoothing=label_smoothing)
        self.contrastive_epochs = contrastive_epochs
        self.towers: TwoTowers | None = None

    def begin_epoch(self, model: PairModel, epoch: int) -> None:
        """Choose the stage."""
        self.towers = towers_of(model)
        self.selectable = self.towers is None or epoch > self.contrastive_epochs
        if self.towers is not None:
            self.towers.requires_grad_(not self.selectable)

    def step(self, model: PairModel, batch: PairBatch, optimizer: Optimizer) -> dict[str, float]:
        """One forward pass, one update of the towers or of everything else."""
        if self.selectable:
            return super().step(model, batch, optimizer)
        loss = self.contrast(model(batch))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return {"loss": loss.item(), "clip": loss.item()}

    def contrast(self, output: PairOutput) -> Tensor:
        """The CLIP loss over those of B pairs that lack neither text nor picture."""
        assert self.towers is not None
        assert output.text is not None
        assert output.image is not None
        whole = output.text.any(dim=1) & output.image.any(dim=1)
        return clip_loss(output.text[whole], output.image[whole], self.towers.scale)
