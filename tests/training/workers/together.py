"""Fine-tune a layer on the sample posts without dropout: POSTS FEATURES OUTPUT."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import nn

from sentipair.experiments.run import run_seeds
from sentipair.features import FeatureStore
from sentipair.models.finetuned import FineTuned
from sentipair.training.recipes import configure

load_pretrained = FineTuned.load_pretrained


def without_dropout(model: FineTuned) -> None:
    """Dropout differs between one and several processes, by intention."""
    load_pretrained(model)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0


if __name__ == "__main__":
    torch.set_num_threads(1)
    FineTuned.load_pretrained = without_dropout  # type: ignore[method-assign]
    posts, features, output = sys.argv[1:]
    wishes = ["plugins.finetune={text: 1, image: 1}", "training.epochs=2", "training.batch_size=7"]
    config = configure("logistic-regression", posts, engine="torch", overrides=wishes)
    print(run_seeds(config, [0], Path(output), store=FeatureStore(Path(features))).get("seeds"))
