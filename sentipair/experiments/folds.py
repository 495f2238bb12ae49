"""Cross-validation, for small data sets: every post is tested once, by a model that has not seen it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentipair.data.splits import published_schemes
from sentipair.errors import UserError
from sentipair.evaluation.bootstrap import bootstrap_mean_interval, summarise
from sentipair.evaluation.metrics import Statistic, evaluate_predictions, headline
from sentipair.experiments.campaign import Job, run_all
from sentipair.experiments.unlike import checked_predictions
from sentipair.features import FeatureStore
from sentipair.files import write_json, write_text
from sentipair.reporting.run import Predictions, SeedRun
from sentipair.reporting.sections import HEADLINES
from sentipair.reporting.tables import Table
from sentipair.runs import seed_folder
from sentipair.training.config import RunConfig

FOLDS_JSON = "folds.json"
FOLDS_PAGE = "folds.md"


def run_folds(
    config: RunConfig,
    scheme: str,
    seeds: Sequence[int],
    output: Path,
    *,
    store: FeatureStore,
    workers: int | None = None,
) -> dict[str, Any]:
    """Train and test a configuration on every fold of ``scheme``, each in a folder ``fold-k`` below ``output``.

    What is finished is left as it is, so the same call can be repeated until it is through.

    Args:
        config: its own scheme and seed are not looked at.
        scheme: ``folds-K`` for own folds, or published ones such as ``cheema-2021``.
        seeds: each fold is trained with all of them.
        output: folder of the folds.
        store: where features are kept.
        workers: processes at work; see ``run_all``.

    Returns:
        The summary, as written to ``folds.json``; ``folds.md`` has it as a table.

    Raises:
        UserError: the data has no such folds or cannot be used, or a folder holds other runs.
    """
    folders = {f"fold-{k}": fold for k, fold in enumerate(fold_schemes(config.data.source, scheme), start=1)}
    jobs = [
        Job(
            config=config.model_copy(update={"data": config.data.model_copy(update={"scheme": fold})}),
            folder=output / name,
        )
        for name, fold in folders.items()
    ]
    run_all(jobs, seeds, store=store, workers=workers)
    tested = [[checked_predictions(SeedRun(seed_folder(job.folder, seed))) for seed in seeds] for job in jobs]
    summary = {
        "model": config.model["name"],
        "fidelity": config.fidelity,
        "data": config.data.source,
        "scheme": scheme,
        "seeds": [*seeds],
        **summarise_folds(tested),
    }
    write_json(output / FOLDS_JSON, summary)
    write_text(output / FOLDS_PAGE, folds_table(summary).markdown())
    return summary


def fold_schemes(source: str, scheme: str) -> list[str]:
    """The schemes of all folds: ``folds-3`` → ``folds-3/1``, ``folds-3/2``, ``folds-3/3``.

    Raises:
        UserError: the data set has no folds of this name.
    """
    own = re.fullmatch(r"folds-(\d+)", scheme)
    if own and int(own[1]) < 3:
        raise UserError(f"{scheme} leaves no posts to train on; take at least folds-3")
    if own:
        return [f"{scheme}/{k}" for k in range(1, int(own[1]) + 1)]
    published = [name for name in published_schemes(source) if "/" in name]
    found = [name for name in published if name.rpartition("/")[0] == scheme]
    if not found:
        known = ", ".join(dict.fromkeys([*(name.rpartition("/")[0] for name in published), "folds-10"]))
        raise UserError(f"{source} has no folds {scheme!r}; use {known}")
    return sorted(found, key=lambda name: int(name.rpartition("/")[2]))


def summarise_folds(tested: Sequence[Sequence[Predictions]]) -> dict[str, Any]:
    """What the test posts of all folds say together; ``tested`` holds per fold one table per seed.

    ``over_folds`` has mean and standard deviation of the folds' scores, each the mean over seeds. It has no interval:
    folds share training data, so their scores are not independent (Bengio & Grandvalet 2004). The interval stands by
    the scores of all posts ``pooled``, a bootstrap over posts. ``clean`` is the same for the posts that have no
    duplicate in the training data of their fold, None where all are such.
    """
    classes = tested[0][0].classes
    folds = [_answers(tables) for tables in tested]
    targets = np.concatenate([targets for targets, _ in folds])
    answers = [np.concatenate(parts) for parts in zip(*(answers for _, answers in folds), strict=True)]
    clean = np.concatenate([tables[0].clean_rows()[tables[0].label_indices() >= 0] for tables in tested])
    scores = [_means(*fold, classes) for fold in folds]
    over_folds = {name: summarise([fold[name] for fold in scores]) for name in headline(len(classes))}
    floor = evaluate_predictions(targets, answers[0], classes).to_dict()
    return {
        "folds": [{"rows": len(rows), **means} for (rows, _), means in zip(folds, scores, strict=True)],
        "over_folds": {name: {"mean": found.mean, "sd": found.sd} for name, found in over_folds.items()},
        "pooled": _pooled(targets, answers, classes),
        "clean": None
        if clean.all() or not clean.any()
        else _pooled(targets[clean], [answer[clean] for answer in answers], classes),
        "majority": {name: floor[f"majority_{name}"] for name in headline(len(classes))},
    }


def folds_table(summary: Mapping[str, Any]) -> Table:
    """The summary of ``run_folds`` as a table."""
    spread = summary["over_folds"]

    def pooled(name: str, scores: Mapping[str, Any]) -> list[str]:
        cells = [
            f"{scores[key]['mean']:.3f} [{scores[key]['interval'][0]:.3f}, {scores[key]['interval'][1]:.3f}]"
            for key in spread
        ]
        return [name, f"{scores['rows']:,}", *cells]

    rows = [
        [f"fold {k}", f"{fold['rows']:,}", *(f"{fold[name]:.3f}" for name in spread)]
        for k, fold in enumerate(summary["folds"], start=1)
    ]
    rows.append(["mean ± sd", "", *(f"{spread[n]['mean']:.3f} ± {spread[n]['sd']:.3f}" for n in spread)])
    rows.append(pooled("all posts", summary["pooled"]))
    if summary["clean"]:
        rows.append(pooled("without duplicates", summary["clean"]))
    rows.append(["majority class", "", *(f"{summary['majority'][name]:.3f}" for name in spread)])
    seeds = ", ".join(map(str, summary["seeds"]))
    return Table(
        title=f"{summary['model']} on {Path(summary['data']).name}, {summary['scheme']}, seeds {seeds}",
        columns=["test", "posts", *(HEADLINES[name] for name in spread)],
        rows=rows,
        note="Every post is tested once. In brackets: 95 % bootstrap intervals over posts. The folds share training "
        "data, so their standard deviation says nothing of how sure the mean is.",
    )


def _answers(tables: Sequence[Predictions]) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    """Targets [N] of the labelled posts of a fold, and one array of answers [N] per seed."""
    targets = tables[0].label_indices()
    labelled = targets >= 0
    return targets[labelled], [table.prediction_indices()[labelled] for table in tables]


def _means(
    targets: NDArray[np.int64], answers: Sequence[NDArray[np.int64]], classes: Sequence[str]
) -> dict[Statistic, float]:
    scores = [evaluate_predictions(targets, answer, classes) for answer in answers]
    return {
        name: float(np.mean([getattr(score, name) for score in scores])) for name in headline(len(classes))
    }


def _pooled(
    targets: NDArray[np.int64], answers: Sequence[NDArray[np.int64]], classes: Sequence[str]
) -> dict[str, Any]:
    means = _means(targets, answers, classes)
    intervals = {
        name: bootstrap_mean_interval(targets, answers, num_classes=len(classes), statistic=name)
        for name in means
    }
    return {
        "rows": len(targets),
        **{name: {"mean": means[name], "interval": intervals[name]} for name in means},
    }
