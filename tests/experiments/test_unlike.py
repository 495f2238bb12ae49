"""Runs that must not be compared, each refused with its reason in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from sentipair.errors import UserError
from sentipair.experiments.summary import summarise_seeds
from sentipair.experiments.unlike import checked_predictions, refuse_unlike
from sentipair.reporting import write_report
from sentipair.reporting.run import SeedRun
from sentipair.training.config import RunConfig

Row = dict[str, Any]


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of one seed, to be changed."""
    return Path(shutil.copytree(finished_run / "seed-1", tmp_path / "runs" / "seed-1"))


def rewrite(path: Path, change: Callable[[list[Row]], list[Row]]) -> None:
    table = pq.read_table(path)
    pq.write_table(pa.Table.from_pylist(change(table.to_pylist()), schema=table.schema), path)


def edit(path: Path, change: Callable[[Any], object]) -> None:
    value = json.loads(path.read_text(encoding="utf-8"))
    change(value)
    path.write_text(json.dumps(value), encoding="utf-8")


def other(name: str | None) -> str:
    return "negative" if name != "negative" else "positive"


def test_seeds_of_one_run_are_alike(finished_run: Path) -> None:
    one, two = SeedRun(finished_run / "seed-0"), SeedRun(finished_run / "seed-1")
    refuse_unlike([one], [two])
    refuse_unlike([one, two], [two], split="validation")
    assert len(checked_predictions(one).rows) == 12


def forget_digest(run: Path) -> None:
    """Make the run one of an older sentipair, which knew only the scores of its predictions."""
    edit(run / "result.json", lambda it: [split.pop("digest") for split in it["splits"].values()])


def exchange_ids(rows: list[Row]) -> list[Row]:
    """Two posts with one label exchange their ids, so each has the other's prediction: no score notices."""
    one = rows[0]
    two = next((row for row in rows[1:] if row["label"] == one["label"]), rows[1])
    two["id"], one["id"] = one["id"], two["id"]
    return rows


ALTERATIONS: dict[str, Callable[[list[Row]], list[Row]]] = {
    "one prediction": lambda rows: [{**rows[0], "prediction": other(rows[0]["prediction"])}, *rows[1:]],
    "an unknown class": lambda rows: [{**row, "prediction": "?"} for row in rows],
    "a row less": lambda rows: rows[1:],
    "a row twice": lambda rows: [rows[0], *rows],
    "another order": lambda rows: rows[::-1],
    "exchanged": exchange_ids,
    "probabilities": lambda rows: [{**row, "p(positive)": 1 / 3} for row in rows],
    "no probability": lambda rows: [{**row, "p(positive)": None} for row in rows],
}


@pytest.mark.parametrize("change", ALTERATIONS.values(), ids=ALTERATIONS)
def test_an_altered_prediction_file_is_refused_by_everything_that_reads_it(
    run: Path, change: Callable[[list[Row]], list[Row]]
) -> None:
    rewrite(run / "predictions-test.parquet", change)
    expected = r"predictions-test\.parquet in .* was altered since it was written; run `sentipair evaluate "
    for read in (lambda: checked_predictions(SeedRun(run)), lambda: write_report(run)):
        with pytest.raises(UserError, match=expected) as error:
            read()
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["one prediction", "an unknown class", "a row less", "a row twice"])
def test_of_an_older_run_the_scores_are_checked(run: Path, name: str) -> None:
    forget_digest(run)
    rewrite(run / "predictions-test.parquet", ALTERATIONS[name])
    with pytest.raises(UserError, match=r"does not give the scores in its result\.json"):
        checked_predictions(SeedRun(run))


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda run: (run / "result.json").unlink(), "is not a finished run"),
        (
            lambda run: (run / "predictions-test.parquet").unlink(),
            "predictions-test.parquet is missing .*; run `sentipair evaluate .* --split test`",
        ),
        (lambda run: (run / "predictions-test.parquet").write_bytes(b"x"), "is damaged|was altered"),
        (
            lambda run: rewrite(run / "predictions-test.parquet", ALTERATIONS["no probability"]),
            "is damaged|was altered",
        ),
        (
            lambda run: edit(
                run / "result.json", lambda it: it["splits"]["test"]["metrics"].update(accuracy=0.99)
            ),
            "does not give the scores in its result.json",
        ),
        (
            lambda run: edit(run / "result.json", lambda it: it["splits"].pop("test")),
            "has no scores on test; run `sentipair evaluate .* --split test`",
        ),
    ],
)
def test_files_that_are_missing_or_altered(
    run: Path, change: Callable[[Path], None], expected: str, known: bool
) -> None:
    if not known:
        forget_digest(run)
    change(run)
    with pytest.raises(UserError, match=expected) as error:
        checked_predictions(SeedRun(run))
    assert "\n" not in str(error.value)


def test_a_seed_that_was_put_there_from_elsewhere_takes_no_part(finished_run: Path, run: Path) -> None:
    first = SeedRun(finished_run / "seed-0")
    config = RunConfig.read(first.folder / "config.yaml")
    assert summarise_seeds(config, [first, SeedRun(run)])["seeds"] == [0, 1]
    forget_digest(run)
    rewrite(run / "predictions-test.parquet", ALTERATIONS["another order"])
    with pytest.raises(UserError, match="list other posts, or in another order"):
        summarise_seeds(config, [first, SeedRun(run)])


@pytest.mark.parametrize(
    ("name", "value"),
    [("variant", "agree-only"), ("scheme", "own"), ("split_seed", 3), ("text_steps", ["lower"])],
)
def test_other_data_is_named(finished_run: Path, run: Path, name: str, value: Any) -> None:
    edit(run / "environment.json", lambda it: it.update(posts="another fingerprint"))
    config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    config["data"][name] = value
    (run / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    first = SeedRun(finished_run / "seed-0")
    with pytest.raises(UserError, match=rf"cannot be compared: data\.{name} is .* and "):
        refuse_unlike([first], [SeedRun(run)])
    with pytest.raises(UserError, match=rf"cannot be compared: data\.{name} is "):
        refuse_unlike([first, SeedRun(run)], [first])  # also among the seeds of one system


def test_other_contents_under_the_same_settings(finished_run: Path, run: Path) -> None:
    edit(run / "environment.json", lambda it: it.update(posts="another fingerprint"))
    with pytest.raises(UserError, match="the same settings but other contents"):
        refuse_unlike([SeedRun(finished_run / "seed-0")], [SeedRun(run)])


def test_rationales_do_not_keep_runs_from_being_compared(finished_run: Path, run: Path) -> None:
    first = SeedRun(finished_run / "seed-0")
    edit(run / "environment.json", lambda it: it.update(data="the same posts with rationales"))
    refuse_unlike([first], [SeedRun(run)])


def test_other_posts_and_other_labels(finished_run: Path, run: Path) -> None:
    path = run / "predictions-test.parquet"
    first = SeedRun(finished_run / "seed-0")
    forget_digest(run)
    rewrite(path, lambda rows: rows[::-1])
    with pytest.raises(UserError, match="list other posts, or in another order"):
        refuse_unlike([first], [SeedRun(run)])
    rewrite(path, lambda rows: rows[::-1])
    refuse_unlike([first], [SeedRun(run)])

    def exchange(rows: list[Row]) -> list[Row]:
        """Two posts exchange their labels and predictions, which no score notices."""
        one, two = rows[0], next(row for row in rows if row["label"] != rows[0]["label"])
        for key in ("label", "prediction"):
            one[key], two[key] = two[key], one[key]
        return rows

    rewrite(path, exchange)
    with pytest.raises(UserError, match="2 posts have other labels, such as "):
        refuse_unlike([first], [SeedRun(run)])
