"""A run from its configuration: training, evaluation, report; and the same with several seeds."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch

from sentipair.errors import UserError
from sentipair.evaluation.bootstrap import bootstrap_mean_interval, summarise
from sentipair.evaluation.metrics import STATISTICS, evaluate_predictions
from sentipair.evaluation.predict import predict
from sentipair.evaluation.record import record_split, write_embeddings
from sentipair.experiments.workbench import Workbench
from sentipair.features import FeatureStore, FeatureTable
from sentipair.files import write_json
from sentipair.models.persistence import load_model, save_config
from sentipair.objectives import objective_class
from sentipair.reporting.report import write_report
from sentipair.training.config import RunConfig
from sentipair.training.environment import environment
from sentipair.training.loop import best_epoch, fit

RESULT = "result.json"
SUMMARY = "summary.json"
CONFIG = "config.yaml"


def run_seeds(
    config: RunConfig, seeds: Sequence[int], output: Path, *, store: FeatureStore
) -> dict[str, Any]:
    """Train, evaluate and report a configuration with each of ``seeds``.

    Each seed has the folder ``seed-N`` below ``output``. Finished seeds are left as they are and a killed one goes on
    where it was, so the same call can be repeated until it is through.

    Returns:
        The summary, as written to ``summary.json``.

    Raises:
        UserError: the data cannot be used, or a folder holds a run with another configuration.
    """
    bench = Workbench(config, store)
    folders = {seed: output / f"seed-{seed}" for seed in seeds}
    if not all((folder / RESULT).exists() for folder in folders.values()):
        tables = {
            split: bench.table(split)
            for split in ("train", "validation", "test")
            if split in bench.dataset.splits
        }
        for seed, folder in folders.items():
            train_seed(bench, config.model_copy(update={"seed": seed}), folder, tables)
    summary = summarise_seeds(config, folders)
    write_json(output / SUMMARY, summary)
    write_report(output)
    return summary


def train_seed(bench: Workbench, config: RunConfig, folder: Path, tables: Mapping[str, FeatureTable]) -> None:
    """Train, evaluate and report one seed in ``folder``, unless that is done already.

    Raises:
        UserError: the folder holds a run with another configuration, or there is no validation data.
    """
    if (folder / CONFIG).exists() and RunConfig.read(folder / CONFIG) != config:
        raise UserError(f"{folder} holds a run with another configuration; choose another --output")
    if (folder / RESULT).exists():
        return
    missing = {"train", "validation"} - set(tables)
    if missing:
        raise UserError(
            f"{bench.dataset.name} has no {' and no '.join(sorted(missing))} split; training needs both"
        )
    config.write(folder / CONFIG)
    save_config(folder, bench.model_config)
    write_json(folder / "environment.json", environment(data_fingerprint=bench.dataset.fingerprint))
    torch.manual_seed(config.seed)
    model = bench.model_config.build()
    if "test" in tables:
        write_embeddings(folder / "embeddings-initial-test.safetensors", predict(model, tables["test"]))
    started = time.perf_counter()
    history = fit(
        model,
        objective_class(config.objective["name"])(**config.objective_settings),
        train=tables["train"],
        validation=tables["validation"],
        classes=bench.dataset.classes,
        settings=config.training,
        seed=config.seed,
        folder=folder,
    )
    seconds = round(time.perf_counter() - started, 1)
    best, _ = load_model(folder)
    splits = {
        split: record_split(
            best, table, split=split, classes=bench.dataset.classes, folder=folder, why="after training"
        )
        for split, table in tables.items()
        if split != "train"
    }
    result = {"best_epoch": best_epoch(history), "splits": splits, "seconds": {"training": seconds}}
    write_json(folder / RESULT, result)
    write_report(folder)


def evaluate_run(folder: Path, *, split: str, store: FeatureStore) -> dict[str, Any]:
    """Evaluate a finished run again on a split of its own data and bring its result and report up to date.

    Returns:
        The scores of the split, as in ``result.json``.

    Raises:
        UserError: no finished run, or its data is not what it was trained on.
    """
    if not (folder / RESULT).exists():
        raise UserError(f"there is no finished run in {folder}; give a folder such as RUN/seed-0")
    bench = Workbench(RunConfig.read(folder / CONFIG), store)
    known = json.loads((folder / "environment.json").read_text(encoding="utf-8"))["data"]
    if bench.dataset.fingerprint != known:
        raise UserError(
            f"the data of {folder} has changed since it was trained; numbers would not be comparable"
        )
    model, config = load_model(folder)
    scores = record_split(
        model,
        bench.table(split),
        split=split,
        classes=config.classes,
        folder=folder,
        why="sentipair evaluate",
    )
    result = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    result["splits"][split] = scores
    write_json(folder / RESULT, result)
    write_report(folder)
    return scores


def summarise_seeds(config: RunConfig, folders: Mapping[int, Path]) -> dict[str, Any]:
    """Mean, standard deviation and interval over seeds, on validation and, where there is one, on the test set.

    The interval is a bootstrap over rows, drawn jointly for all seeds: how much the mean would move on other posts.
    """
    results = [json.loads((folder / RESULT).read_text(encoding="utf-8")) for folder in folders.values()]
    summary: dict[str, Any] = {
        "model": config.model["name"],
        "fidelity": config.model["fidelity"],
        "data": config.data.source,
        "seeds": list(folders),
        "seconds": sum(result["seconds"]["training"] for result in results),
    }
    for split in results[0]["splits"]:
        files = [pq.read_table(folder / f"predictions-{split}.parquet") for folder in folders.values()]
        classes = [name[2:-1] for name in files[0].column_names if name.startswith("p(")]
        place = {name: i for i, name in enumerate(classes)}
        labelled = [i for i, label in enumerate(files[0]["label"].to_pylist()) if label is not None]

        def indices(column: list[str], rows: Sequence[int] = labelled, place: dict[str, int] = place) -> Any:
            return torch.tensor([place[column[i]] for i in rows]).numpy()

        targets = indices(files[0]["label"].to_pylist())
        predictions = [indices(file["prediction"].to_pylist()) for file in files]
        metrics = [evaluate_predictions(targets, each, classes).to_dict() for each in predictions]
        summary[split] = {}
        for name in STATISTICS:
            values = [float(each[name]) for each in metrics]
            over_seeds = summarise(values)
            interval = bootstrap_mean_interval(targets, predictions, num_classes=len(classes), statistic=name)
            summary[split][name] = {
                "mean": over_seeds.mean,
                "sd": over_seeds.sd,
                "values": values,
                "interval": interval,
            }
        if split == "test":
            summary["majority"] = {name: metrics[0][f"majority_{name}"] for name in STATISTICS}
            summary["flips"] = max(max(r["splits"]["test"]["flips"].values()) for r in results)
    return summary
