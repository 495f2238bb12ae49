"""SPP-SCL as its specification writes it, in double precision and loops; knows the model's weights by name only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sentipair.models.recurrence import BiLSTM

Array = NDArray[np.float64]


def torch_lstm(ours: BiLSTM) -> nn.LSTM:
    """``torch.nn.LSTM`` with the weights of ``ours``; its gates stand in the order input, forget, candidate, output."""
    hidden = ours.weight_hh.shape[1]
    lstm = nn.LSTM(ours.input.in_features, hidden, bias=False, bidirectional=True)
    order = torch.cat([torch.arange(hidden) + hidden * gate for gate in (0, 1, 3, 2)])
    for direction, suffix in enumerate(("", "_reverse")):
        rows = slice(4 * hidden * direction, 4 * hidden * (direction + 1))
        getattr(lstm, f"weight_ih_l0{suffix}").data = ours.input.weight.data[rows][order].clone()
        getattr(lstm, f"weight_hh_l0{suffix}").data = ours.weight_hh.data[direction].T[order].contiguous()
    return lstm


class PublishedSPPSCL:
    """The released code's forward pass with dropout 0 (models.md §3.1, points 1 to 7).

    Args:
        weights: the state of the model.
        training: batch normalisation by the batch's statistics, else by the running ones.
    """

    def __init__(self, weights: Mapping[str, Tensor], *, training: bool) -> None:
        self.weights = {name: value.double().numpy() for name, value in weights.items()}
        self.training = training

    def linear(self, x: Array, name: str) -> Array:
        return np.array([self.weights[f"{name}.weight"] @ row + self.weights[f"{name}.bias"] for row in x])

    def norm(self, x: Array, name: str) -> Array:
        if self.training:
            mean, variance = x.mean(0), ((x - x.mean(0)) ** 2).mean(0)
        else:
            mean, variance = self.weights[f"{name}.running_mean"], self.weights[f"{name}.running_var"]
        scaled = (x - mean) / np.sqrt(variance + 1e-5)
        return scaled * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def embed(self, x: Array, name: str) -> Array:
        projected = np.maximum(self.norm(self.linear(x, f"{name}.0"), f"{name}.1"), 0)
        projected = self.norm(self.linear(projected, f"{name}.4"), f"{name}.5")
        return np.maximum(self.norm(self.linear(projected, f"{name}.6"), f"{name}.7"), 0)

    def image(self, grid: Array) -> Array:
        pairs, cells, channels = grid.shape
        convolved = self.linear(grid.reshape(-1, channels), "cells.0")
        convolved = np.maximum(self.norm(convolved, "cells.1"), 0)  # over B·49 positions, as BatchNorm2d
        return np.array([convolved[i * cells : (i + 1) * cells].mean(0) for i in range(pairs)])

    def gates(self, cls: Array) -> Array:
        first, second = (
            self.weights["layer_attention.gates.0.weight"],
            self.weights["layer_attention.gates.2.weight"],
        )
        means = cls.mean(-1)
        return np.array([1 / (1 + np.exp(-(second @ np.maximum(first @ row, 0)))) for row in means])

    def text(self, tokens: Array, cls: Array, lstm: nn.LSTM) -> Array:
        pooled = []
        for gates, text in zip(self.gates(cls), tokens, strict=True):
            weighed = sum(gate * text[:, layer] for layer, gate in enumerate(gates))
            with torch.no_grad():
                states, _ = lstm(torch.from_numpy(weighed))
            pooled.append(states.numpy().mean(0))
        return np.array(pooled)

    def attend(self, name: str, own: Array, other: Array) -> Array:
        """One modality attends over the batch, its Q and K multiplied by the other's embedding."""
        query, key, value = (self.linear(own, f"{name}.{part}.0") for part in ("query", "key", "value"))
        result = []
        for i in range(len(own)):
            scores = np.array(
                [(other[i] * query[i]) @ (other[j] * key[j]) / np.sqrt(own.shape[1]) for j in range(len(own))]
            )
            weights = np.exp(scores - scores.max())
            result.append((weights / weights.sum()) @ value)
        return np.array(result)

    def logits(self, grid: Array, tokens: Array, cls: Array, lstm: nn.LSTM) -> tuple[Array, Array, Array]:
        """Logits, T and I."""
        t = self.embed(self.text(tokens, cls, lstm), "embed_text")
        i = self.embed(self.image(grid), "embed_image")
        i_m = self.attend("attend_image", i, t)  # A_I from T⊙Q_I and T⊙K_I, then A_I V_I
        t_m = self.attend("attend_text", t, i)
        z = np.concatenate([t_m, i_m, i, t], axis=1)
        z = np.maximum(self.norm(self.linear(z, "classifier.0"), "classifier.1"), 0)
        return self.linear(z, "classifier.4"), t, i
