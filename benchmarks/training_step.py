"""Both passes of an SPP-SCL training step at the paper's size, against the same model from PyTorch's own layers.

Run: ``python benchmarks/training_step.py``. Needs no data: features are random. 64 pairs with a 7×7 grid of 2048
channels and four text layers of width 768; text lengths are gamma distributed with mean 31 and standard deviation 13,
as MVSA-Single's are. Step 2 is always taken. A step pays for the conversion of its batch from half precision.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from rich.table import Table
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sentipair.features import PairBatch
from sentipair.models import SPPSCL
from sentipair.models.layers import Dropout, WideLinear
from sentipair.models.recurrence import BiLSTM
from sentipair.objectives import SemiPushPull
from sentipair.progress import console

PAIRS, CELLS, IMAGE_DIM, LAYERS, TEXT_DIM = 64, 49, 2048, 4, 768
STEPS, WARM_UP = 20, 4


class PlainBiLSTM(nn.Module):
    """``BiLSTM`` by ``torch.nn.LSTM`` on a packed sequence."""

    def __init__(self, ours: BiLSTM) -> None:
        super().__init__()
        hidden = ours.weight_hh.shape[1]
        self.lstm = nn.LSTM(ours.input.in_features, hidden, bias=False, batch_first=True, bidirectional=True)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """As ``BiLSTM.forward``."""
        padded = nn.utils.rnn.pad_sequence(tokens.split(lengths.tolist()), batch_first=True)
        packed = pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return states[torch.arange(states.shape[1]) < lengths.unsqueeze(1)]


class PlainLinear(nn.Linear):
    """``WideLinear`` in single precision."""

    reads = torch.float32


class PlainDropout(nn.Dropout):
    """``Dropout`` by PyTorch's own."""

    def per_pair(self, rows: Tensor, mask: Tensor) -> Tensor:
        """The same values of all rows [T, d] of a pair in mask [B, N]."""
        kept: Tensor = self(rows.new_ones(len(mask), rows.shape[-1]))
        return rows * kept.repeat_interleave(mask.sum(dim=1), dim=0)


def make_plain(module: nn.Module) -> None:
    """Put PyTorch's own layers in the place of ours, in single precision."""
    for name, child in module.named_children():
        if isinstance(child, BiLSTM):
            setattr(module, name, PlainBiLSTM(child))
        elif isinstance(child, WideLinear):
            setattr(
                module, name, PlainLinear(child.in_features, child.out_features, bias=child.bias is not None)
            )
        elif isinstance(child, Dropout):
            setattr(module, name, PlainDropout(child.threshold / 256))
        else:
            make_plain(child)


def random_batch(seed: int) -> PairBatch:
    rng = np.random.default_rng(seed)
    shape = (31 / 13) ** 2
    lengths = torch.from_numpy(rng.gamma(shape, 31 / shape, PAIRS).round().clip(1, 128)).long()
    draw = torch.Generator().manual_seed(seed)
    longest = int(lengths.max())
    return PairBatch(
        ids=tuple(map(str, range(PAIRS))),
        labels=torch.randint(3, (PAIRS,), generator=draw),
        features={
            "text": torch.randn(PAIRS, longest, LAYERS, TEXT_DIM, generator=draw).half(),
            "text_mask": torch.arange(longest) < lengths.unsqueeze(1),
            "text_cls": torch.randn(PAIRS, LAYERS, TEXT_DIM, generator=draw),
            "grid": torch.rand(PAIRS, CELLS, IMAGE_DIM, generator=draw).half(),
            "grid_mask": torch.ones(PAIRS, CELLS, dtype=torch.bool),
        },
    )


def fresh(batch: PairBatch) -> PairBatch:
    """The batch as if just read: what it has converted to single precision is forgotten."""
    return replace(batch, _rows={})


def trainer(*, plain: bool) -> Callable[[PairBatch], float]:
    """A function that takes one training step and gives its time in milliseconds."""
    torch.manual_seed(0)
    model = SPPSCL(text_dim=TEXT_DIM, image_dim=IMAGE_DIM).train()
    if plain:
        make_plain(model)
    objective = SemiPushPull(alpha=1e6)  # step 2 in every step
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=1e-6, fused=True)

    def step(batch: PairBatch) -> float:
        start = time.perf_counter()
        log = objective.step(model, batch, optimizer)
        milliseconds = 1000 * (time.perf_counter() - start)
        assert log["step2"] == 1
        return milliseconds

    return step


def main() -> None:
    table = Table("threads", "layers", "fastest ms", "median ms", "ratio of medians")
    batch = random_batch(0)
    for threads in (1, 2):
        torch.set_num_threads(threads)
        ours, plain = trainer(plain=False), trainer(plain=True)
        # one after the other, so that other work on the machine slows both alike
        times = [(ours(fresh(batch)), plain(fresh(batch))) for _ in range(WARM_UP + STEPS)][WARM_UP:]
        for name, column in zip(("sentipair", "PyTorch"), zip(*times, strict=True), strict=True):
            median = statistics.median(column)
            ratio = statistics.median(x[1] for x in times) / median
            table.add_row(str(threads), name, f"{min(column):.0f}", f"{median:.0f}", f"{ratio:.1f}×")
    console.print(table)


if __name__ == "__main__":
    main()
