"""Ablations, leaderboards and reproductions: the right runs, the right numbers beside each other."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from sentipair.data import all_readers
from sentipair.errors import UserError
from sentipair.experiments import ablation as module
from sentipair.experiments import reproduce as reproduction
from sentipair.experiments.ablation import Ablation, ablate, load_ablation
from sentipair.experiments.benchmark import benchmark
from sentipair.experiments.campaign import Job, run_all
from sentipair.experiments.contest import Entry, margins
from sentipair.experiments.reproduce import is_inside, reproduce, what_differs
from sentipair.experiments.run import finished_runs, run_seeds
from sentipair.features import FeatureStore
from sentipair.models import list_models
from sentipair.training.recipes import configure, load_recipe

SMALL = Ablation(
    tables=(
        {
            "name": "Table 9",
            "title": "Losses",
            "rows": (
                {"name": "all", "published": {"posts": {"accuracy": 0.9, "weighted_f1": 0.8}}},
                {"name": "no fusion", "set": ("model.fusion=false",)},
            ),
        },
    ),  # type: ignore[arg-type]
    curves=(
        {"name": "Figure 9", "title": "α", "setting": "objective.alpha", "label": "α", "values": (0, 50)},
    ),  # type: ignore[arg-type]
)


DECLARED = [
    name for name in list_models() if (files("sentipair") / "recipes" / name / "ablation.yaml").is_file()
]


def test_the_main_model_has_ablations() -> None:
    assert "spp-scl" in DECLARED


@pytest.mark.parametrize("model", DECLARED)
def test_declared_ablations_are_valid_configurations(model: str) -> None:
    declared = load_ablation(model)
    variants = declared.variants()
    assert variants[0] == ()
    assert len(variants) == len(set(variants))
    for changes in variants:
        configure(model, "mvsa-single", overrides=changes)
    full = {data: claims for table in declared.tables for data, claims in table.rows[0].published.items()}
    for table in declared.tables:
        assert table.rows[0].set == ()
        for row in table.rows:
            assert set(row.published) <= set(all_readers())
    for data, claims in full.items():
        assert claims == load_recipe(model, data)["results"]["paper"]


def test_the_tables_hold_what_the_runs_say(
    sample_posts: Path, feature_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "load_ablation", lambda model: SMALL)
    arguments: dict[str, Any] = {
        "seeds": [0, 1],
        "output": tmp_path,
        "store": FeatureStore(feature_folder),
        "overrides": ["training.epochs=2"],
        "engine": "torch",
    }
    result = ablate("spp-scl", str(sample_posts), **arguments)
    assert set(result["variants"]) == {
        "full",
        "model.fusion=false",
        "objective.alpha=0",
        "objective.alpha=50",
    }
    rows = (tmp_path / "tables" / "table-9.csv").read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[0] for row in rows] == ["", "all", "no fusion"]
    for row, name in zip(rows[1:], ("full", "model.fusion=false"), strict=True):
        runs = finished_runs(tmp_path / "variants" / name)
        accuracy = sum(run.splits["test"]["metrics"]["accuracy"] for run in runs) / 2
        assert f"{accuracy:.3f} ± " in row
    margin = result["variants"]["model.fusion=false"]["margin"]
    means = [
        result["variants"][name]["summary"]["test"]["accuracy"]["mean"]
        for name in ("model.fusion=false", "full")
    ]
    assert margin["difference"] == pytest.approx(means[0] - means[1])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for heading in ("Table 9. Losses", "Figure 9. α", "Second steps", "Embedding space"):
        assert heading in page
    for path in (tmp_path / "figures").glob("*.svg"):
        assert "var(--" not in path.read_text(encoding="utf-8")
    assert (tmp_path / "figures" / "all-variants-test-accuracy.svg").exists()
    pushed = finished_runs(tmp_path / "variants" / "objective.alpha=50")[0].history
    assert pushed[0]["train"]["step2"] == 1

    written = tmp_path / "variants" / "full" / "seed-0" / "result.json"
    stamp = written.stat().st_mtime_ns
    ablate("spp-scl", str(sample_posts), **arguments)
    assert written.stat().st_mtime_ns == stamp


def test_a_variant_that_diverges_is_left_out_and_named(
    sample_posts: Path,
    feature_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = (
        {"name": "all"},
        {"name": "wild", "set": ("training.learning_rate=1e30",)},
        {"name": "no fusion", "set": ("model.fusion=false",)},
    )
    declared = Ablation(
        tables=({"name": "Table 9", "title": "Rates", "rows": rows},),  # type: ignore[arg-type]
        curves=(
            {
                "name": "Figure 9",
                "title": "Rate",
                "setting": "training.learning_rate",
                "label": "rate",
                "values": (1e-3, 1e30),
            },
        ),  # type: ignore[arg-type]
    )
    monkeypatch.setattr(module, "load_ablation", lambda model: declared)
    result = ablate(
        "spp-scl",
        str(sample_posts),
        seeds=[0],
        output=tmp_path,
        store=FeatureStore(feature_folder),
        overrides=["training.epochs=1"],
        engine="torch",
    )
    assert "left out: training.learning_rate=1e30 seed 0: the loss is not a number" in capsys.readouterr().err
    assert set(result["variants"]) == {"full", "model.fusion=false", "training.learning_rate=0.001"}
    assert set(result["diverged"]) == {"training.learning_rate=1e30", "training.learning_rate=1e+30"}
    assert all("the loss is not a number after epoch 1" in reason for reason in result["diverged"].values())
    lines = (tmp_path / "tables" / "table-9.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in lines] == ["", "all", "no fusion"]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "training.learning_rate=1e30" in page
    # a value that is the recipe's, or written in another way, is the same variant
    trained = {path.name for path in (tmp_path / "variants").iterdir()}
    assert trained == {"full", "model.fusion=false", "training.learning_rate=1e30"}
    learned = [result["variants"][name]["summary"] for name in ("full", "training.learning_rate=0.001")]
    assert learned[0] == learned[1]
    assert "Figure 9" not in page  # one point is no curve


def test_where_every_variant_diverges_the_model_itself_is_left(
    finished_run: Path,
    sample_posts: Path,
    feature_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "load_ablation", lambda model: SMALL)
    summary = json.loads((finished_run / "summary.json").read_text(encoding="utf-8"))

    def run(jobs: list[Any], *_: Any, **__: Any) -> tuple[dict[Path, Any], dict[Path, str]]:
        full, *others = [job.folder for job in jobs]
        shutil.copytree(finished_run, full)
        return {full: summary}, dict.fromkeys(others, "the loss is not a number")

    monkeypatch.setattr(module, "run_what_converges", run)
    result = ablate(
        "spp-scl", str(sample_posts), seeds=[0, 1], output=tmp_path, store=FeatureStore(feature_folder)
    )
    assert set(result["variants"]) == {"full"}
    assert "model.fusion=false" in result["diverged"]
    assert [path.name for path in (tmp_path / "tables").glob("*.md")] == ["floors.md"]


def test_a_leaderboard_ranks_and_counts(sample_posts: Path, feature_folder: Path, tmp_path: Path) -> None:
    result = benchmark(
        ["se-mlnn", "logistic-regression", "logistic-regression+rationales"],
        [str(sample_posts)],
        seeds=[0],
        output=tmp_path,
        store=FeatureStore(feature_folder),
        overrides=["training.epochs=2"],
        engine="torch",
    )
    board = result["data"][str(sample_posts)]
    ranked = [entry["summary"]["test"]["accuracy"]["mean"] for entry in board.values()]
    assert ranked == sorted(ranked, reverse=True)
    chosen = max(board, key=lambda name: board[name]["summary"]["validation"]["accuracy"]["mean"])
    assert [name for name, entry in board.items() if entry["margin"] is None] == [chosen]
    assert board["logistic-regression+rationales"]["parameters"] > board["logistic-regression"]["parameters"]
    assert board["logistic-regression"]["parameters"] == (384 + 1280 + 1) * 3
    assert all(entry["pairs_per_second"] > 0 for entry in board.values())
    page, floors = sorted((tmp_path / "tables").glob("*.md"), key=lambda path: len(path.name))
    assert floors.name == page.name.replace(".md", "-floors.md")
    assert "| control: blanks |" in floors.read_text(encoding="utf-8")
    assert f"Reference: {chosen}, the best on validation" in page.read_text(encoding="utf-8")
    lines = page.read_text(encoding="utf-8").splitlines()
    names = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    marked = [
        {"se-mlnn": "se-mlnn †"}.get(name, name) for name in board
    ]  # has one picture vector for several
    assert names == ["model", *marked, "majority class"]
    written = json.loads((tmp_path / "benchmark.json").read_text(encoding="utf-8"))
    assert (written["seeds"], written["encoders"]) == ([0], "all-MiniLM-L6-v2 + efficientnet-lite0")
    assert written["encoders"] in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_leaderboard_of_models_that_diverge(
    sample_posts: Path, feature_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"1 of 1 trainings failed; .*the loss is not a number"):
        benchmark(
            ["spp-scl"],
            [str(sample_posts)],
            seeds=[0],
            output=tmp_path,
            store=FeatureStore(feature_folder),
            overrides=["training.epochs=1", "training.learning_rate=1e30"],
            engine="torch",
        )


@pytest.mark.parametrize("command", [benchmark, ablate, reproduce])
def test_a_page_of_others_is_not_overwritten(command: Any, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("of a person", encoding="utf-8")
    model: Any = ["late-fusion"] if command is benchmark else "spp-scl"
    data: Any = ["posts"] if command is benchmark else "mvsa-single"
    with pytest.raises(UserError, match=r"holds another report\.html, which would be overwritten"):
        command(model, data, seeds=[0], output=tmp_path, store=FeatureStore(tmp_path))
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == "of a person"


def test_a_model_named_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a model is named twice"):
        benchmark(
            ["spp-scl", "spp-scl:sound"], ["posts"], seeds=[0], output=tmp_path, store=FeatureStore(tmp_path)
        )


def test_entries_on_other_posts_are_refused(
    finished_run: Path, sample_posts: Path, feature_folder: Path, tmp_path: Path
) -> None:
    config = configure(
        "logistic-regression",
        str(sample_posts),
        engine="torch",
        overrides=["training.epochs=1", "data.text_steps=[]"],
    )
    run_seeds(config, [0], tmp_path / "other", store=FeatureStore(feature_folder))
    entries = [
        Entry(name=str(folder), folder=folder, summary={"seeds": [0]}, published={})
        for folder in (finished_run, tmp_path / "other")
    ]
    with pytest.raises(UserError, match=r"cannot be compared: data\.text_steps"):
        margins(entries, entries[0])


def test_a_published_value_lies_inside_or_not() -> None:
    assert is_inside(0.7, (0.7, 0.8))
    assert not is_inside(0.81, (0.7, 0.8))


def test_the_paragraph_names_what_differs() -> None:
    configs = {name: configure("spp-scl", "mvsa-single", fidelity=name) for name in ("published", "sound")}
    summaries = {"published": {"flips": 0.125}, "sound": {"flips": 0.0}}
    text = what_differs(configs, configs["published"], "bert-base-uncased+microsoft/resnet-50", summaries)
    assert "The encoders differ: the recipe has bert-base-uncased+microsoft/resnet-50" in text
    assert "up to 12.5% of the predictions change" in text
    assert text.count("predictions change") == 1
    assert "Published has the recipe as published. Sound has model.input_dropout 0.5 (0.0)" in text
    assert "training.epochs 8 (150)" in text


def test_the_paragraph_claims_no_recipe_and_no_encoders_that_are_not_there() -> None:
    recipe = load_recipe("clip-ca-cg", "mvsa-single")["encoders"]
    for encoders, wishes, expected in (
        ("offline", [], "The encoders differ: the recipe has roberta-base"),
        ("paper", [], "The encoders are the recipe's, frozen"),
        ("paper", ["plugins.finetune={text: 4}"], "The encoders are the recipe's, their last layers trained"),
    ):
        config = configure("clip-ca-cg", "mvsa-single", encoders=encoders, overrides=wishes)
        text = what_differs({"sound": config}, None, recipe, {"sound": {"flips": 0.0}})
        assert text.startswith(expected)
        assert "Sound has settings of our own; no recipe of the paper is at hand" in text


def test_a_reproduction_says_inside_or_outside(
    sample_posts: Path, feature_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = {"paper": {"accuracy": 0.999}, "folklore": {"weighted_f1": 0.3}}
    monkeypatch.setattr(reproduction, "published_results", lambda model, data: claims)
    result = reproduction.reproduce(
        "spp-scl",
        str(sample_posts),
        seeds=[0],
        output=tmp_path,
        store=FeatureStore(feature_folder),
        overrides=["training.epochs=1"],
        engine="torch",
    )
    assert [(v["claim"], v["fidelity"]) for v in result["verdicts"]] == [
        ("paper", "published"),
        ("paper", "sound"),
        ("folklore", "published"),
        ("folklore", "sound"),
    ]
    for verdict in result["verdicts"]:
        summary = json.loads((tmp_path / verdict["fidelity"] / "summary.json").read_text(encoding="utf-8"))
        low, high = summary["test"][verdict["metric"]]["interval"]
        assert verdict["inside"] is (low <= verdict["published"] <= high)
    page = (tmp_path / "reproduce.md").read_text(encoding="utf-8")
    assert "training.epochs 1 (150)" in page
    assert "| control: blanks |" in page
    monkeypatch.setattr(reproduction, "published_results", lambda model, data: {})
    with pytest.raises(UserError, match="nothing to reproduce"):
        reproduction.reproduce("spp-scl", "x", seeds=[0], output=tmp_path, store=FeatureStore(feature_folder))


def test_settings_that_are_ablated_cannot_be_fixed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"varies model\.text_layers; leave that --set out"):
        ablate(
            "spp-scl",
            "posts",
            seeds=[0],
            output=tmp_path,
            store=FeatureStore(tmp_path),
            overrides=["model.text_layers=3"],
        )


def test_fewer_seeds_than_are_there_are_all_that_counts(
    sample_posts: Path, feature_folder: Path, finished_run: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(finished_run, tmp_path / "run"))
    shutil.copytree(folder / "seed-1", folder / "seed-1-old")  # somebody's backup
    config = configure("spp-scl", str(sample_posts), engine="torch", overrides=["training.epochs=2"])
    [summary] = run_all([Job(config=config, folder=folder)], [1], store=FeatureStore(feature_folder))
    assert summary["seeds"] == [1]
    entry = Entry(name="one", folder=folder, summary=summary, published={})
    assert [run.folder.name for run in entry.runs] == ["seed-1"]
    (values,) = summary["test"]["accuracy"]["values"]
    assert values == entry.runs[0].splits["test"]["metrics"]["accuracy"]


def test_data_without_a_test_split_cannot_be_compared_on(tmp_path: Path, feature_folder: Path) -> None:
    lines = ["text,label,split"]
    lines += [f"words {i} here,{'ab'[i % 2]},{'train' if i < 8 else 'validation'}" for i in range(12)]
    (tmp_path / "posts.csv").write_text("\n".join(lines), encoding="utf-8")
    config = configure("logistic-regression", str(tmp_path / "posts.csv"), engine="torch")
    with pytest.raises(UserError, match="no labelled test posts to compare on"):
        run_all([Job(config=config, folder=tmp_path / "run")], [0], store=FeatureStore(feature_folder))
