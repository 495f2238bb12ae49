"""EfficientNet-Lite0 with the weights of the package: a stem, blocks and a head, one after the other."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

EFFICIENTNET_LITE0 = "efficientnet-lite0"

BF16_TOLERANCE = 0.1
"""The relative error in bf16: its first depthwise filters subtract nearly equal values.

Measured on 64 posts: .079 per cell, .052 for the mean over the cells. Of 450 posts the shipped model called three
otherwise, and its probabilities moved by .003 on average. It takes little more than half of the time.
"""


class Lite0(nn.Module):
    """Normalised pixels [B, 3, H, W] → the last feature map [B, 1280, H/32, W/32].

    The blocks and their weights are those of ``efficientnet_lite_pytorch``.
    """

    channels = 1280
    stride = 32

    def __init__(self) -> None:
        from efficientnet_lite_pytorch import EfficientNet

        super().__init__()
        lite = EfficientNet.from_name(EFFICIENTNET_LITE0)
        self.stem = nn.Sequential(lite._conv_stem, lite._bn0, nn.ReLU6())
        self.blocks = lite._blocks
        self.head = nn.Sequential(lite._conv_head, lite._bn1, nn.ReLU6())

    def forward(self, pixels: Tensor) -> Tensor:
        """Run all parts."""
        states: Tensor = self.stem(pixels)
        for block in self.blocks:
            states = block(states)
        return self.head(states)  # type: ignore[no-any-return]

    def load(self, file: Path) -> Lite0:
        """Take the weights from the file of the package."""
        names = {
            "_conv_stem": "stem.0",
            "_bn0": "stem.1",
            "_blocks": "blocks",
            "_conv_head": "head.0",
            "_bn1": "head.1",
        }
        weights = torch.load(file, weights_only=True, map_location="cpu")
        known = {
            ".".join([names[first], rest]): value
            for (first, _, rest), value in ((name.partition("."), value) for name, value in weights.items())
            if first in names  # the classifier is not needed
        }
        self.load_state_dict(known)
        return self
