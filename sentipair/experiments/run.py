"""A run from its configuration: training, evaluation, report; and the same with several seeds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from sentipair.data import PairDataset
from sentipair.devices import at_most_threads, is_main, refuse_several_processes
from sentipair.errors import UserError
from sentipair.evaluation.invariance import batch_warning
from sentipair.evaluation.predict import predict
from sentipair.evaluation.record import record_split, validation_temperature, write_embeddings
from sentipair.experiments.notices import about_data, about_facts, about_features
from sentipair.experiments.summary import summarise_seeds
from sentipair.experiments.workbench import Workbench, open_dataset
from sentipair.features import FeatureStore, FeatureTable
from sentipair.files import alone_in, write_json
from sentipair.models import PairModel
from sentipair.models.persistence import CONFIG as MODEL_CONFIG
from sentipair.models.persistence import load_model, read_config, refuse_other_encoders, save_config
from sentipair.progress import console, say
from sentipair.reporting import write_report
from sentipair.reporting.run import SeedRun
from sentipair.runs import RESULT, read_json, seed_folder, seed_folders, seed_number
from sentipair.training.checks import check_trainable
from sentipair.training.config import PARTS, RunConfig
from sentipair.training.environment import environment, table_digest
from sentipair.training.loop import best_epoch, fit

SUMMARY = "summary.json"
CONFIG = "config.yaml"
ENVIRONMENT = "environment.json"
REPORT = "report.html"


def run_seeds(
    config: RunConfig, seeds: Sequence[int], output: Path, *, store: FeatureStore
) -> dict[str, Any]:
    """Train, evaluate and report a configuration with each of ``seeds``.

    Each seed has the folder ``seed-N`` below ``output``. Finished seeds are left as they are and a killed one goes on
    where it was, so the same call can be repeated until it is through; more seeds can be added to those that are there.

    Returns:
        The summary of all finished seeds in ``output``, as written to ``summary.json``; nothing in a process that only
        helps.

    Raises:
        UserError: the data cannot be used, or a folder holds a run with another configuration or other data.
    """
    if config.plugins.ensemble or not config.plugins.finetune:
        refuse_several_processes()
    if not is_main():
        help_training(config, seeds, Path(output), store)
        return {}
    with alone_in(output):
        return _run_seeds(config, seeds, Path(output), store)


def _run_seeds(config: RunConfig, seeds: Sequence[int], output: Path, store: FeatureStore) -> dict[str, Any]:
    refuse_other_configuration(config, output)
    unfinished = unfinished_seeds(output, seeds)
    if not unfinished:
        refuse_changed_table(config, output)
        say(f"every seed in {output} is finished; nothing is trained")
    else:
        bench = Workbench(config, store)
        for line in about_data(bench.dataset):
            say(line)
        check_trainable(bench.dataset)
        for folder in seed_folders(output):
            refuse_other_data(folder, bench.dataset)
            refuse_other_weights(folder)
        for line in about_facts(bench.facts):
            say(line)
        tables = bench.extract()
        for line in about_features(tables.values(), config.data):
            say(line)
        with at_most_threads(bench.threads):
            for seed in unfinished:
                train_seed(bench, config.model_copy(update={"seed": seed}), seed_folder(output, seed), tables)
    runs = finished_runs(output)
    for run in runs:
        if seed_number(run.folder) in unfinished or not (run.folder / REPORT).exists():
            write_report(run.folder)
    summary = write_summary(config, output, runs)
    write_report(output)
    return summary


def help_training(config: RunConfig, seeds: Sequence[int], output: Path, store: FeatureStore) -> None:
    """What every process but the main one does: its share of the trainings."""
    console.quiet = True
    bench = Workbench(config, store)
    tables = bench.extract()
    for seed in unfinished_seeds(output, seeds):
        torch.manual_seed(seed)
        model = bench.model_config.build(pretrained=True)
        fit_seed(bench, config.model_copy(update={"seed": seed}), model, seed_folder(output, seed), tables)


def unfinished_seeds(output: Path, seeds: Sequence[int]) -> list[int]:
    """Those of ``seeds`` that have no result below ``output``."""
    return [seed for seed in seeds if not (seed_folder(output, seed) / RESULT).exists()]


def finished_runs(output: Path, seeds: Collection[int] | None = None) -> list[SeedRun]:
    """The seeds below ``output`` that have a result, in their order; only those in ``seeds`` where it is given."""
    return [
        SeedRun(folder)
        for folder in seed_folders(output)
        if (folder / RESULT).exists() and (seeds is None or seed_number(folder) in seeds)
    ]


def write_summary(config: RunConfig, output: Path, runs: Sequence[SeedRun]) -> dict[str, Any]:
    """What ``runs`` say together, also written to ``summary.json`` in ``output``."""
    summary = summarise_seeds(config, runs)
    write_json(output / SUMMARY, summary)
    return summary


def tell_unfinished(folders: Sequence[Path]) -> None:
    """Say of every seed that has no result yet that it is left out."""
    for folder in folders:
        if not (folder / RESULT).exists():
            say(f"{folder} is not finished and has no scores; repeat its `sentipair train` to go on with it")


def bring_up_to_date(output: Path) -> None:
    """Write the summary and the report of the seeds that are finished now; the others are named.

    Raises:
        UserError: none is, or a file of one is missing, damaged or altered.
    """
    tell_unfinished(seed_folders(output))
    runs = finished_runs(output)
    if not runs:
        raise UserError(f"there is no finished run in {output}; give the folder that `sentipair train` wrote")
    write_summary(RunConfig.read(runs[0].folder / CONFIG), output, runs)
    write_report(output)


def train_seed(bench: Workbench, config: RunConfig, folder: Path, tables: Mapping[str, FeatureTable]) -> None:
    """Train one seed in ``folder``, or go on with it, and evaluate it; ``result.json`` is written last.

    Raises:
        UserError: the training diverges, or the folder cannot be written to.
    """
    for leftover in folder.glob(".*.tmp"):  # of a process that was killed while writing
        leftover.unlink(missing_ok=True)
    config.write(folder / CONFIG)
    save_config(folder, bench.model_config)
    write_json(folder / ENVIRONMENT, environment(bench.dataset, config.data.source))
    torch.manual_seed(config.seed)
    model = bench.model_config.build(pretrained=True)
    if "test" in tables:
        write_embeddings(folder / "embeddings-initial-test.safetensors", predict(model, tables["test"]))
    history = fit_seed(bench, config, model, folder, tables)
    del model  # evaluation needs the memory of its weights and gradients
    chosen, model_config = load_model(folder)
    temperature = validation_temperature(chosen, tables["validation"])
    save_config(folder, replace(model_config, temperature=temperature))
    splits = {
        split: record_split(
            chosen,
            table,
            split=split,
            classes=bench.dataset.classes,
            temperature=temperature,
            folder=folder,
            why="after training",
            contaminated=bench.facts.contaminated.get(split, ()),
        )
        for split, table in tables.items()
        if split != "train"
    }
    seconds = round(sum(entry["seconds"] for entry in history), 1)
    best = best_epoch(history)
    write_json(
        folder / RESULT,
        {
            "best_epoch": best,
            "temperature": temperature,
            "splits": splits,
            "controls": bench.facts.controls,
            "seconds": {"training": seconds},
        },
    )
    accuracy = splits["validation"]["metrics"]["accuracy"]
    say(
        f"seed {config.seed}: {len(history)} epochs in {seconds:.0f} s; "
        f"the best is epoch {best}, validation accuracy {accuracy:.3f}"
    )
    warn_of_neighbours(splits)


def fit_seed(
    bench: Workbench, config: RunConfig, model: PairModel, folder: Path, tables: Mapping[str, FeatureTable]
) -> list[dict[str, Any]]:
    """Train ``model`` as ``config`` says, see ``fit``."""
    return fit(
        model,
        config.build_objective(),
        train=tables["train"],
        validation=tables["validation"],
        classes=bench.dataset.classes,
        settings=config.training,
        seed=config.seed,
        folder=folder,
    )


def evaluate_run(folder: Path, *, split: str, store: FeatureStore) -> dict[str, Any]:
    """Evaluate a finished run again on a split of its own data and bring its result and report up to date.

    Returns:
        The scores of the split, as in ``result.json``.

    Raises:
        UserError: no finished run or an outdated one, no such split, or its data is not what it was trained on.
    """
    folder = Path(folder)
    if not (folder / RESULT).exists():
        raise UserError(f"there is no finished run in {folder}; give a folder such as RUN/seed-0")
    result = read_json(folder / RESULT)
    if "temperature" not in result:
        raise UserError(f"{folder} was made by an older sentipair; train it again into another --output")
    bench = Workbench(RunConfig.read(folder / CONFIG), store)
    refuse_other_data(folder, bench.dataset)
    model, config = load_model(folder)
    refuse_other_encoders(config, folder)
    scores = record_split(
        model,
        bench.table(split),
        split=split,
        classes=config.classes,
        temperature=result["temperature"],
        folder=folder,
        why="sentipair evaluate",
        contaminated=bench.facts.contaminated.get(split, ()),
        looks=(result["splits"].get(split) or {}).get("looks") or 0,
    )
    warn_of_neighbours({split: scores})
    result["splits"][split] = scores
    write_json(folder / RESULT, result)
    write_report(folder)
    if (folder.absolute().parent / SUMMARY).exists():
        bring_up_to_date(folder.absolute().parent)
    return scores


def refuse_other_weights(folder: Path) -> None:
    """``refuse_other_encoders`` for a seed that may have been stopped before it had a configuration."""
    if (folder / MODEL_CONFIG).exists():
        refuse_other_encoders(read_config(folder), folder)


def warn_of_neighbours(splits: Mapping[str, Mapping[str, Any]]) -> None:
    """Say for every split on which predictions depend on the batch how many do."""
    for split, scores in splits.items():
        if warning := batch_warning(scores["flips"]):
            say(f"warning: on {split}, {warning}")


def refuse_other_configuration(config: RunConfig, output: Path) -> None:
    """Keep runs with different settings apart.

    Raises:
        UserError: a seed below ``output`` was run with another configuration.
    """
    for path in (folder / CONFIG for folder in seed_folders(output)):
        if not path.exists():
            continue
        there = RunConfig.read(path)
        if there.identity() != config.identity():
            differing = [part for part in PARTS if getattr(there, part) != getattr(config, part)]
            raise UserError(
                f"{path.parent} holds a run with other settings of {' and '.join(differing)}; choose another --output"
            )


def refuse_changed_table(config: RunConfig, output: Path) -> None:
    """Keep finished scores from passing for those of a table that has changed; posts are read only if its bytes have.

    Raises:
        UserError: a seed below ``output`` was run with other data.
    """
    now = table_digest(config.data.source)
    for folder in seed_folders(output):
        then = read_json(folder / ENVIRONMENT).get("table")
        if None not in (now, then) and now != then:
            refuse_other_data(folder, open_dataset(config.data))


def refuse_other_data(folder: Path, dataset: PairDataset) -> None:
    """Keep numbers from different data apart.

    Raises:
        UserError: the run in ``folder`` was made with other data.
    """
    there = read_json(folder / ENVIRONMENT)
    now = {"data": dataset.fingerprint, "own_labels": dataset.own_labels}
    if any(there.get(name) not in (None, value) for name, value in now.items()):
        raise UserError(
            f"the data has changed since {folder} was made, numbers would not be comparable; choose another --output"
        )
