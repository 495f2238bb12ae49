"""Encoders without their last layers: what is stored when those are trained with a model."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from torch import nn

from sentipair.encoders.engines import EngineChoice
from sentipair.encoders.image import ImageEncoder
from sentipair.encoders.text import TextEncoder
from sentipair.encoders.top import ImageTop, TextTop, last_layers, take_off


class LowerTextEncoder(TextEncoder):
    """A BERT-like network without its last layers: the hidden states that they read.

    Args:
        source: see ``TextEncoder``.
        below: how many layers are missing.
        last: how many of the last hidden states below them to give.
        max_length: see ``TextEncoder``.
        engine: what ``choose_engine`` decided.

    Raises:
        UserError: as ``TextEncoder``; in ``load`` and ``top`` where the network has fewer layers or others than known.
    """

    def __init__(
        self, source: str | Path, *, below: int, last: int, max_length: int, engine: EngineChoice
    ) -> None:
        super().__init__(source, last=last, max_length=max_length, engine=engine)
        self.below = below

    def load(self, *, pretrained: bool) -> nn.Module:
        """The network without its last layers."""
        network = super().load(pretrained=pretrained)
        take_off(network, self.below, self.model_type)
        return network

    def top(self, *, pretrained: bool) -> TextTop:
        """The missing layers; without ``pretrained`` on the "meta" device, to be filled from a trained model."""
        network = super().load(pretrained=pretrained)
        return TextTop(take_off(network, self.below, self.model_type))

    def whole(self, top: nn.Module) -> nn.Module:
        """The network with all its layers, the last ones with the weights of ``top``."""
        network = super().load(pretrained=True)
        layers = last_layers(network, self.below, self.model_type)
        layers.load_state_dict(top.get_submodule("layers").state_dict())
        return network

    def describe(self) -> dict[str, object]:
        """Everything that the output depends on, except the text."""
        return {**super().describe(), "below": self.below}


class LowerImageEncoder(ImageEncoder):
    """A vision network without its last layers: the states that they read, [cells or tokens, channels] per picture.

    Args:
        source: see ``ImageEncoder``.
        below: how many blocks (of a ViT or an EfficientNet) or stages (of a ResNet) are missing.
        engine: what ``choose_engine`` decided.

    Raises:
        UserError: as ``ImageEncoder``; in ``load`` and ``top`` where the network has fewer layers or others than known.
    """

    def __init__(self, source: str | Path, *, below: int, engine: EngineChoice) -> None:
        super().__init__(source, engine=engine)
        self.below = below

    @cached_property
    def shape(self) -> tuple[int, int]:
        """(P + R, d) of one picture's states below the layers."""
        return self._found_shape()

    def load(self, *, pretrained: bool) -> nn.Module:
        """The network without its last layers."""
        network = super().load(pretrained=pretrained)
        take_off(network, self.below, self.model_type)
        return network

    def top(self, *, pretrained: bool) -> ImageTop:
        """The missing layers; without ``pretrained`` on the "meta" device, to be filled from a trained model."""
        network = super().load(pretrained=pretrained)
        return ImageTop(take_off(network, self.below, self.model_type), self.model_type)

    def whole(self, top: nn.Module) -> nn.Module:
        """The network with all its layers, the last ones with the weights of ``top``."""
        network = super().load(pretrained=True)
        layers = last_layers(network, self.below, self.model_type)
        layers.load_state_dict(top.get_submodule("layers").state_dict())
        return network

    def describe(self) -> dict[str, object]:
        """Everything that the output depends on, except the picture."""
        return {**super().describe(), "below": self.below}
