"""The last layers of a network, taken off it: what is left gives the states that they read."""

from __future__ import annotations

from math import isqrt
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sentipair.encoders.lite0 import EFFICIENTNET_LITE0
from sentipair.errors import UserError

GROUP = 8
"""Texts that go through the layers together: few, so that they are of similar length and little is padded."""


class Anatomy(NamedTuple):
    """Where a network has its layers, and what comes behind the last one."""

    layers: str
    tail: tuple[str, ...] = ()


BERT_LIKE = ("bert", "roberta", "xlm-roberta", "camembert", "electra")
ANATOMIES = {
    **dict.fromkeys(BERT_LIKE, Anatomy("encoder.layer")),
    "vit": Anatomy("layers", ("layernorm",)),
    "resnet": Anatomy("encoder.stages"),
    "efficientnet": Anatomy(
        "encoder.blocks", ("encoder.top_conv", "encoder.top_bn", "encoder.top_activation")
    ),
    EFFICIENTNET_LITE0: Anatomy("blocks", ("head",)),
}
"""Networks whose last layers can be trained, by their model type."""


def last_layers(network: nn.Module, count: int, model_type: str) -> nn.Sequential:
    """The last ``count`` layers of ``network`` and what is behind them, still part of it.

    A layer is a block of a transformer or of an EfficientNet, or a stage of a ResNet.

    Raises:
        UserError: the layers of this kind of network are not known, or it has fewer.
    """
    if model_type not in ANATOMIES:
        raise UserError(
            f"the layers of a {model_type} network cannot be fine-tuned; those of {', '.join(ANATOMIES)} can"
        )
    anatomy = ANATOMIES[model_type]
    layers = list(network.get_submodule(anatomy.layers).children())
    if count > len(layers):
        raise UserError(f"the {model_type} encoder has {len(layers)} layers, {count} are to be fine-tuned")
    return nn.Sequential(*layers[len(layers) - count :], *map(network.get_submodule, anatomy.tail))


def take_off(network: nn.Module, count: int, model_type: str) -> nn.Sequential:
    """Take ``last_layers`` off ``network``, which is changed.

    Raises:
        UserError: as ``last_layers``.
    """
    top = last_layers(network, count, model_type)
    anatomy = ANATOMIES[model_type]
    layers = list(network.get_submodule(anatomy.layers).children())
    network.set_submodule(anatomy.layers, nn.ModuleList(layers[: len(layers) - count]))
    for name in anatomy.tail:
        network.set_submodule(name, nn.Identity())
    return top


class TextTop(nn.Module):
    """The last layers of a BERT-like network.

    Args:
        layers: what ``take_off`` gave.
    """

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Hidden states [B, N, d] below, the real ones (at least one) first: mask [B, N] → of every layer [B, N, k, d].

        Zero behind the mask. The order of the positions does not matter: such a network adds them at its bottom.
        """
        count, length, dim = states.shape
        positions = torch.arange(count * length, device=states.device).view(count, length)
        lengths = mask.sum(1)
        found, places = [], []
        for rows in lengths.argsort(stable=True).split(GROUP) if count else ():
            longest = int(lengths[rows[-1]])
            hidden, real = states[rows, :longest], mask[rows, :longest]
            kept = real.flatten().nonzero().squeeze(1)
            outputs = []
            for layer in self.layers:
                hidden = layer(hidden, real[:, None, None])
                outputs.append(hidden.flatten(0, 1).index_select(0, kept))
            found.append(torch.stack(outputs, dim=1).float())  # (T, k, d)
            places.append(positions[rows, :longest].flatten()[kept])
        result: Tensor = states.new_zeros(count * length, len(self.layers), dim)
        if found:
            result.index_copy_(0, torch.cat(places), torch.cat(found))
        return result.view(count, length, len(self.layers), dim)


class ImageTop(nn.Module):
    """The last layers of a vision network; batch normalisation keeps the statistics that it came with.

    Args:
        layers: what ``take_off`` gave.
        model_type: of the network.
    """

    def __init__(self, layers: nn.Sequential, model_type: str) -> None:
        super().__init__()
        self.layers = layers
        self.reads_tokens = model_type == "vit"

    def forward(self, states: Tensor) -> Tensor:
        """States [B, N, c] below: tokens, or the cells of a square map row by row → the last hidden state [B, M, d]."""
        if not len(states):  # transformers cannot tell the heads of no pictures apart
            nothing: Tensor = self(states.new_zeros(1, *states.shape[1:]))[:0]
            return nothing
        if not self.reads_tokens:
            side = isqrt(states.shape[1])
            states = states.transpose(1, 2).unflatten(2, (side, side))  # (B, c, h, w)
        return flat(self.layers(states))

    def train(self, mode: bool = True) -> ImageTop:
        """Training mode for all but batch normalisation, which would make a picture depend on its batch mates."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self


def flat(states: Tensor) -> Tensor:
    """A feature map [B, d, h, w] as [B, h·w, d], row by row; tokens [B, N, d] as they are."""
    return states.flatten(2).transpose(1, 2) if states.dim() == 4 else states
