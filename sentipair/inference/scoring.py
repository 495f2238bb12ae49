"""Scoring a table of posts into another table: streaming, resumable, and nothing is lost in silence."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from functools import partial
from glob import escape
from pathlib import Path
from time import perf_counter
from typing import IO, Literal, TypeVar

import torch
from safetensors.torch import save

from sentipair.data.rows import no_image_column
from sentipair.errors import UserError
from sentipair.files import alone_in, sha256
from sentipair.inference.journal import Journal
from sentipair.inference.predictor import Predictor
from sentipair.inference.source import CHUNK, Chunk, Source, look_through, table_of
from sentipair.inference.summary import ScoringReport, Tally
from sentipair.inference.verdicts import Verdict, known_columns, new_columns, post_of, verdict
from sentipair.inference.writing import check_output, open_output, open_problems, problems_path
from sentipair.memory import give_memory_back, share_memory
from sentipair.progress import progress_bar, say

AT_A_TIME = 2
"""Chunks under way at a time: while one is decoded, the other is encoded. More would cost memory alone."""

TIDY = 4
"""Chunks after which freed memory goes back to the operating system, so that it does not add up."""

Workers = Literal["threads", "ray"]
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Job:
    """What has to be scored: a table, and which of its columns hold text and picture."""

    source: Source
    names: dict[str, str]

    def verdicts(self, predictor: Predictor, chunk: Chunk) -> list[Verdict]:
        """What comes of the rows of a chunk; depends on them and the predictor alone."""
        found = [
            post_of(row, names=self.names, base=self.source.base, number=number)
            for number, row in enumerate(chunk.rows, start=chunk.first)
        ]
        posts = [pair for pair, _ in found if pair is not None]
        predictions = iter(predictor.predict(posts))
        return [
            Verdict(problem=problem) if pair is None else verdict(pair, problem, next(predictions))
            for pair, problem in found
        ]


def score_table(
    predictor: Predictor,
    source: Path | IO[bytes],
    output: Path,
    *,
    workers: Workers = "threads",
    report: Path | None = None,
    date: str | None = None,
    group: str | None = None,
) -> ScoringReport:
    """Score every row of ``source`` and write all its columns with those of ``new_columns`` behind them.

    Rows without a text whose picture is absent or cannot be used are left out and listed in ``<output>.errors.csv``;
    rows that name a picture but are scored by their text alone are listed there as well.

    What is scored is kept in the folder ``<output>.parts`` until the output is written. After a kill the same call goes
    on there, and its output is that of an undisturbed one; with another table, model or threshold it begins anew.

    Args:
        predictor: a trained model.
        source: a table; a folder with ``metadata.csv`` or the like, or with pictures; or a stream (see ``table_of``).
        output: ``.parquet``, ``.csv`` or ``.jsonl``; replaced if it exists.
        workers: ``"threads"`` of this process, or the actors of a Ray cluster that sees the same files.
        report: where to write a page with charts.
        date: a column with dates for the page.
        group: a column with groups for the page.

    Raises:
        UserError: the table cannot be read, is empty, has neither column, lacks ``date`` or ``group``, or has one of
            the new columns already; ``output`` has an unknown ending; a file to be written is the table itself; another
            process scores into it; the disk is full.
    """
    output = Path(output)
    check_output(output, source, report)
    parts = output.with_name(f"{output.name}.parts")
    with alone_in(parts):
        _remove_leftovers(output)
        path, base = table_of(source, scratch=parts)
        try:
            check_output(output, path, report)
            table = look_through(path, base=base)
            names = _checked_columns(table, predictor, date, group)
        except UserError:
            if path.parent == parts:  # written for this call
                path.unlink()
            raise
        job = Job(source=table, names=names)
        with closing(Journal(parts / "journal.jsonl", circumstances(predictor, table))) as journal:
            _score(job, predictor, journal, workers)
            tally = Tally(predictor.config.classes, names=names, date=date, group=group)
            _join(journal, output, table, tally)
        if tally.date and not tally.days:
            say(f"no date in the column {tally.date} could be read; write dates such as 2024-06-15")
        if report is not None:
            from sentipair.inference.page import write_report

            write_report(Path(report), tally, source=path.name, model=predictor.config.model)
        for path in parts.glob("[!.]*"):
            path.unlink()
    with suppress(OSError):  # another process has just begun there
        parts.rmdir()
    return tally.report()


def circumstances(predictor: Predictor, source: Source) -> dict[str, str]:
    """What decides which verdicts a table gets, as hashes; equal ones mean equal verdicts.

    Pictures take part by the folder that they are looked for in, not by their content.
    """
    weights = {name: value.contiguous() for name, value in predictor.model.state_dict().items()}
    encoders = [made_by.describe() for _, made_by in predictor.encode.columns]
    described = json.dumps([asdict(predictor.config), encoders], sort_keys=True, default=str)
    return {
        "the table": source.digest,
        "the folder of pictures": str(source.base),
        "the model": sha256(described, save(weights)),
        "the threshold": str(predictor.threshold),
        "the size of chunks": str(CHUNK),
    }


def in_order(pool: ThreadPoolExecutor, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """``function`` of every item, in order, as many at a time as ``pool`` has threads; one more waits its turn."""
    waiting: deque[Future[R]] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) > AT_A_TIME:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _score(job: Job, predictor: Predictor, journal: Journal, workers: Workers) -> None:
    """Bring the journal to the end of the table."""
    if journal.changed:
        say(f"{' and '.join(journal.changed)} changed since this was stopped; scoring begins anew")
    elif journal.rows:
        say(f"{journal.rows:,} of {job.source.count:,} rows are scored already; going on behind them")
    if journal.rows == job.source.count:
        return
    if workers == "ray":
        from sentipair.inference.cluster import score_on_ray

        found = score_on_ray(job, predictor, start=journal.chunks)
    else:
        found = _score_here(job, predictor, start=journal.chunks)
    with progress_bar() as bar:
        task = bar.add_task("scoring", total=job.source.count, completed=journal.rows, note="")
        begun, before = perf_counter(), journal.rows
        for verdicts in found:
            journal.append(verdicts)
            if journal.chunks % TIDY == 0:
                give_memory_back()
            rate = (journal.rows - before) / (perf_counter() - begun)
            bar.update(task, completed=journal.rows, note=f"{rate:.0f} posts/s")


def _score_here(job: Job, predictor: Predictor, *, start: int) -> Iterator[list[Verdict]]:
    share_memory()
    predictor.warm_up()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # chunks share the cores; and the last bits do not depend on how many there are
    try:
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            yield from in_order(pool, partial(job.verdicts, predictor), job.source.chunks(start=start))
    finally:
        torch.set_num_threads(threads)


def _join(journal: Journal, output: Path, source: Source, tally: Tally) -> None:
    """Write the output and the list of problems, and count."""
    with (
        open_output(output, source=source, classes=tally.classes) as scored,
        open_problems(output, source=source) as problems,
        progress_bar() as bar,
    ):
        task = bar.add_task(f"writing {output.name}", total=source.count, note="")
        for chunk, verdicts in zip(source.chunks(), journal, strict=True):
            scored.write(chunk, verdicts)
            problems.write(chunk, verdicts)
            tally.add(chunk, verdicts)
            bar.advance(task, len(verdicts))


def _remove_leftovers(output: Path) -> None:
    """Remove what a process left behind that was killed while it wrote the output."""
    for path in (output, problems_path(output)):
        for leftover in path.parent.glob(f".{escape(path.name)}.*.tmp"):
            leftover.unlink()


def _checked_columns(
    source: Source, predictor: Predictor, date: str | None, group: str | None
) -> dict[str, str]:
    columns, name = source.columns, source.path.name
    for new in new_columns(predictor.config.classes):
        if new in columns:
            raise UserError(f"{name} has a column {new} already; rename it, so that it is not overwritten")
    for wanted in (date, group):
        if wanted is not None and wanted not in columns:
            raise UserError(f"{name} has no column {wanted} (it has: {', '.join(columns)})")
    found = known_columns(columns, source.path)
    if "image" not in found:
        for line in no_image_column(columns, next(source.chunks()).rows):
            say(line)
    return found
