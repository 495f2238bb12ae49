"""Scoring on a Ray cluster: one actor per core or GPU, the chunks in order, the verdicts those of one machine."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import torch

from sentipair.errors import UserError
from sentipair.inference.predictor import Predictor
from sentipair.inference.source import CHUNK, Chunk
from sentipair.inference.verdicts import Verdict
from sentipair.memory import share_memory

if TYPE_CHECKING:
    from sentipair.inference.scoring import Job


def score_on_ray(job: Job, predictor: Predictor, *, start: int) -> Iterator[list[Verdict]]:
    """The verdicts of every chunk from number ``start`` on, in order.

    A cluster that is not connected yet is that of ``RAY_ADDRESS``, else the cores of this machine. Its machines must
    see the table and the pictures under the same paths.

    Raises:
        UserError: Ray is not installed.
    """
    try:
        import ray
        from ray.data import ActorPoolStrategy, DataContext
    except ImportError as error:
        raise UserError('scoring on a cluster needs Ray: pip install "sentipair[ray]"') from error

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    started = not ray.is_initialized()
    if started:
        address = None if "RAY_ADDRESS" in os.environ else "local"
        ray.init(address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    context = DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    try:
        resources = ray.cluster_resources()
        kind = "GPU" if resources.get("GPU", 0) >= 1 else "CPU"
        chunks = -(-job.source.count // CHUNK) - start
        # from items, because tasks that read would wait for ever for a core beside the actors
        numbers = ray.data.from_items(
            [{"id": number} for number in range(chunks)], override_num_blocks=chunks
        )
        scored = numbers.map_batches(
            Scorer,
            fn_constructor_args=(
                job,
                start,
                predictor.model,
                predictor.config,
                predictor.engine,
                predictor.threshold,
            ),
            batch_size=1,
            compute=ActorPoolStrategy(size=min(chunks, int(resources[kind]))),
            num_gpus=int(kind == "GPU"),
            num_cpus=int(kind == "CPU"),
        )
        for row in scored.iter_rows():
            yield [Verdict(*fields) for fields in json.loads(row["verdicts"])]
    finally:
        if started:
            ray.shutdown()


class Scorer:
    """What an actor does: it reads the table for itself and scores the chunks that it is given by their numbers.

    Args:
        job: what is scored.
        start: chunks that are scored already; numbers count from there.
        predictor: the arguments of a ``Predictor``: model, configuration, engine, threshold.
    """

    def __init__(self, job: Job, start: int, *predictor: Any) -> None:
        torch.set_num_threads(1)
        share_memory()
        model, config, engine, threshold = predictor
        self.predictor = Predictor(model, config, engine=engine, threshold=threshold)
        self.predictor.warm_up()
        self.job = job
        self.start = start
        self.chunks = self._from(0)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Score the chunk with the number ``id``."""
        wanted = int(batch["id"][0])
        return {"verdicts": [json.dumps(self.job.verdicts(self.predictor, self._read(wanted)))]}

    def _read(self, wanted: int) -> Chunk:
        """A chunk; numbers mostly rise, so that the table is read once."""
        for number, chunk in self.chunks:
            if number == wanted:
                return chunk
            if number > wanted:
                break
        self.chunks = self._from(wanted)
        return self._read(wanted)

    def _from(self, number: int) -> Iterator[tuple[int, Chunk]]:
        return zip(count(number), self.job.source.chunks(start=self.start + number))
