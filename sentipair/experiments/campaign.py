"""Many runs at once: several configurations, each with several seeds, one worker process per core.

The features of all configurations are extracted first, by this process alone. Workers then train whole seeds; every
seed is a run folder of its own, so whatever is killed goes on where it was when the same call is repeated. A worker
ends at once when its parent does.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import torch

from sentipair.devices import at_most_threads, cores, refuse_several_processes
from sentipair.errors import UserError
from sentipair.experiments.notices import about_data, about_facts, about_features
from sentipair.experiments.run import (
    finished_runs,
    refuse_changed_table,
    refuse_other_configuration,
    refuse_other_data,
    refuse_other_weights,
    train_seed,
    unfinished_seeds,
    write_summary,
)
from sentipair.experiments.workbench import Workbench
from sentipair.features import FeatureStore
from sentipair.files import alone_in
from sentipair.memory import give_memory_back
from sentipair.progress import console, progress_bar, say
from sentipair.runs import seed_folder, seed_folders
from sentipair.training.checks import check_trainable
from sentipair.training.config import RunConfig
from sentipair.training.loop import DivergenceError

MAX_WORKERS = 8
"""More would need more memory than they are worth: each holds PyTorch and its own batches, about 1 GB."""


class DivergedError(UserError):
    """All trainings that failed are ones whose loss was no longer a number.

    Attributes:
        reasons: folder of a job → what happened to the first such seed of it.
    """

    def __init__(self, message: str, reasons: dict[Path, str]) -> None:
        super().__init__(message)
        self.reasons = reasons


@dataclass(frozen=True, kw_only=True)
class Job:
    """One configuration, to be run with several seeds.

    Attributes:
        config: the seed in it is not looked at.
        folder: gets a ``seed-N`` per seed and ``summary.json``.
    """

    config: RunConfig
    folder: Path


def run_all(
    jobs: Sequence[Job], seeds: Sequence[int], *, store: FeatureStore, workers: int | None = None
) -> list[dict[str, Any]]:
    """Train and evaluate every job with every seed; what is finished already is left as it is.

    A seed that fails does not keep the others from running.

    Args:
        jobs: each with a folder of its own.
        seeds: the same for all jobs.
        store: where features are kept.
        workers: processes at work; by default one per core, at most ``MAX_WORKERS``.

    Returns:
        The summary of each job over ``seeds`` alone, as in its ``summary.json``.

    Raises:
        DivergedError: seeds failed, all of them because their training diverged.
        UserError: the data cannot be used or has no test split, a folder holds other runs or another process is at work
            in it, or seeds failed (the message names the first).
    """
    refuse_several_processes()
    with ExitStack() as held:
        for job in jobs:
            held.enter_context(alone_in(job.folder))
        todo = [(job, seed) for job in jobs for seed in unfinished_seeds(job.folder, seeds)]
        for job in jobs:
            refuse_other_configuration(job.config, job.folder)
            refuse_changed_table(job.config, job.folder)
        if todo:
            _prepare({job.folder: job for job, _ in todo}.values(), store)
            _train(todo, store, workers or min(cores(), MAX_WORKERS))
        return [write_summary(job.config, job.folder, finished_runs(job.folder, seeds)) for job in jobs]


def run_what_converges(
    jobs: Sequence[Job], seeds: Sequence[int], *, store: FeatureStore, workers: int | None = None
) -> tuple[dict[Path, dict[str, Any]], dict[Path, str]]:
    """As ``run_all``, but a job of which a training diverges is left out instead of ending everything.

    Returns:
        Folder → summary of the others, and folder → reason of those that were left out.

    Raises:
        UserError: see ``run_all``; or every job diverges.
    """
    lost: dict[Path, str] = {}
    try:
        summaries = run_all(jobs, seeds, store=store, workers=workers)
    except DivergedError as error:
        lost = error.reasons
        jobs = [job for job in jobs if job.folder not in lost]
        if not jobs:
            raise
        for reason in lost.values():
            say(f"left out: {reason}")
        summaries = run_all(jobs, seeds, store=store, workers=workers)  # nothing is left to train
    return {job.folder: summary for job, summary in zip(jobs, summaries, strict=True)}, lost


def _prepare(jobs: Iterable[Job], store: FeatureStore) -> None:
    """Check the data of every job and extract its features, once for all jobs that agree in what they need."""
    told: set[str] = set()
    done: set[str] = set()
    for job in jobs:
        bench = Workbench(job.config, store)
        for folder in seed_folders(job.folder):
            refuse_other_data(folder, bench.dataset)
            refuse_other_weights(folder)
        needs = f"{bench.dataset.fingerprint} {job.config.encoders} {bench.model_config.build().requires}"
        if needs in done:
            continue
        done.add(needs)
        check_trainable(bench.dataset)
        if "test" not in bench.usable_splits:
            raise UserError(
                f"{bench.dataset.name} has no labelled test posts to compare on; `sentipair train` does without"
            )
        notices = [*about_data(bench.dataset), *about_facts(bench.facts)]
        notices += about_features(bench.extract().values(), job.config.data)
        for line in notices:
            if line not in told:
                say(line)
        told.update(notices)


def _train(todo: Sequence[tuple[Job, int]], store: FeatureStore, workers: int) -> None:
    # the same however much is left to do: weights depend on it a little
    threads = max(1, cores() // workers)
    workers = min(workers, len(todo))
    failures: list[str] = []
    diverged: dict[Path, str] = {}
    only_diverged = True
    spawn = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(
            workers, mp_context=spawn, initializer=_start_worker, initargs=(threads,)
        ) as pool,
        progress_bar() as bar,
    ):
        task = bar.add_task("training", total=len(todo), note=f"{workers} at a time")
        under_way: dict[Future[None], tuple[Path, str]] = {}
        try:
            with _deaf_to_interrupts():
                for job, seed in todo:
                    config = job.config.model_copy(update={"seed": seed})
                    future = pool.submit(_train_one, config, job.folder, store.root)
                    under_way[future] = job.folder, f"{job.folder.name} seed {seed}"
            for done in as_completed(under_way):
                folder, name = under_way[done]
                try:
                    done.result()
                except UserError as error:
                    failures.append(f"{name}: {error}")
                    if isinstance(error, DivergenceError):
                        diverged.setdefault(folder, f"{name}: {error}")
                    else:
                        only_diverged = False
                bar.update(task, advance=1, note=f"{workers} at a time; last: {name}")
        except BrokenProcessPool as error:
            raise UserError(
                "a training process was killed, perhaps for want of memory; repeat the command to go on"
            ) from error
        except BaseException:  # Ctrl-C: leaving the pool would wait for everything that is queued
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise
    if failures:
        message = f"{len(failures)} of {len(todo)} trainings failed; the first: {failures[0]}"
        raise DivergedError(message, diverged) if only_diverged else UserError(message)


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Ignore Ctrl-C for a moment: a worker that is only starting inherits that, and would print a traceback else."""
    if threading.current_thread() is not threading.main_thread():  # another thread never gets it
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _start_worker(threads: int) -> None:
    """Set up a worker: quiet, with its share of the cores, and never older than its parent."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
    console.quiet = True
    torch.set_num_threads(threads)
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(parent: int) -> None:
    wait([parent])
    os._exit(1)


@cache
def _store(root: Path) -> FeatureStore:
    """A worker's store, which verifies every shard once and not once per seed."""
    return FeatureStore(root)


def _train_one(config: RunConfig, output: Path, root: Path) -> None:
    bench = Workbench(config, _store(root))
    tables = bench.extract()
    with at_most_threads(bench.threads):
        train_seed(bench, config, seed_folder(output, config.seed), tables)
    give_memory_back()
