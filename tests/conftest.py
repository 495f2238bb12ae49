"""What all tests share: the place of the real data, random features, sample posts and a finished run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from sentipair.data import Pair
from sentipair.data.samples import generate
from sentipair.experiments.run import run_seeds
from sentipair.export import export_model
from sentipair.features import FeatureStore, PairBatch
from sentipair.models import SPPSCL
from sentipair.training import loop
from sentipair.training.recipes import configure

torch.set_num_threads(1)  # small tensors: threads that wait for each other only cost time


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the real data sets; the test is skipped where there is none."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SENTIPAIR_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real data: set SENTIPAIR_DATA, or put it in {default}")
    return folder


class RandomTable:
    """What the trainer needs of a ``FeatureTable``, made of random features that know a little of the class."""

    def __init__(self, count: int, *, classes: int = 3, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.labels = torch.arange(count) % classes
        self.pairs = [
            Pair(id=str(i), text=f"post {i}", label="abcdefgh"[label])
            for i, label in enumerate(self.labels.tolist())
        ]
        self.lengths = (torch.randint(1, 7, (count,), generator=generator)).tolist()
        hints = torch.eye(classes)[self.labels]  # (n, K)
        self.text = torch.randn(count, 6, 2, 8, generator=generator)
        self.text[..., :classes] += hints[:, None, None]
        self.cls = self.text.mean(dim=1)
        self.grid = torch.randn(count, 4, 12, generator=generator)
        self.grid[..., :classes] += hints[:, None]
        self.grid_mask = torch.ones(count, 4, dtype=torch.bool)
        self.unusable: dict[str, str] = {}
        self.unimodal_labels = {kind: torch.full((count,), -1) for kind in ("text", "image")}

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Sequence[int]) -> PairBatch:
        rows = list(indices)
        longest = max(1, *(self.lengths[i] for i in rows))
        mask = torch.tensor([[place < self.lengths[i] for place in range(longest)] for i in rows])
        features = {
            "text": self.text[rows, :longest].half(),
            "text_mask": mask,
            "text_cls": self.cls[rows],
            "grid": self.grid[rows].half(),
            "grid_mask": self.grid_mask[rows],
        }
        ids = tuple(self.pairs[i].id for i in rows)
        own = {kind: labels[rows] for kind, labels in self.unimodal_labels.items()}
        return PairBatch(ids=ids, labels=self.labels[rows], features=features, unimodal_labels=own)

    def without(self, kind: str) -> RandomTable:
        table = copy(self)
        if kind == "text":
            table.lengths, table.cls = [0] * len(self), torch.zeros_like(self.cls)
        else:
            table.grid_mask = torch.zeros_like(self.grid_mask)
        return table

    def batches(self, size: int, *, order: Sequence[int] | None = None) -> Iterator[PairBatch]:
        order = range(len(self)) if order is None else order
        return (self.batch(order[start : start + size]) for start in range(0, len(order), size))


@pytest.fixture(scope="session")
def random_table() -> Callable[..., RandomTable]:
    """``random_table(count, classes=3, seed=0)``."""
    return RandomTable


@pytest.fixture(scope="session")
def small_model() -> Callable[..., SPPSCL]:
    """An SPP-SCL for ``random_table``: ``small_model(seed=0, **settings)``."""

    def build(*, seed: int = 0, **settings: Any) -> SPPSCL:
        torch.manual_seed(seed)
        return SPPSCL(**{"text_dim": 8, "image_dim": 12, "text_layers": 2, "dim": 8, "hidden": 4, **settings})

    return build


@pytest.fixture
def stopped_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], AbstractContextManager[None]]:
    """``with stopped_after(2): train()`` presses Ctrl-C when two epochs are through."""

    @contextmanager
    def stop(epochs: int) -> Iterator[None]:
        train_epoch, done = loop.train_epoch, []

        def interrupted(*arguments: Any) -> dict[str, float]:
            if len(done) == epochs:
                raise KeyboardInterrupt
            done.append(arguments)
            return train_epoch(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(loop, "train_epoch", interrupted)
            with pytest.raises(KeyboardInterrupt):
                yield

    return stop


@pytest.fixture(scope="session")
def sample_posts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 60 generated posts in three splits."""
    folder = tmp_path_factory.mktemp("sample") / "posts"
    generate(folder, size=60)
    return folder


@pytest.fixture(scope="session")
def feature_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The feature store that all tests share, so that a picture is encoded once."""
    return tmp_path_factory.mktemp("store") / "features"


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory, sample_posts: Path, feature_folder: Path) -> Path:
    """SPP-SCL on the sample posts with seeds 0 and 1, two epochs each; to be read, not changed."""
    output = tmp_path_factory.mktemp("runs") / "spp-scl"
    config = configure("spp-scl", str(sample_posts), engine="torch", overrides=["training.epochs=2"])
    run_seeds(config, [0, 1], output, store=FeatureStore(feature_folder))
    return output


@pytest.fixture(scope="session")
def exported_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped model as ONNX files; to be read, not changed."""
    folder = tmp_path_factory.mktemp("exported") / "model"
    export_model(None, folder)
    return folder
