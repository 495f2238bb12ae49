"""Does a published number hold? Its own arithmetic and the sound one under one protocol, beside what was printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sentipair.encoders import Encoders
from sentipair.encoders.choice import PAPER
from sentipair.errors import UserError
from sentipair.experiments.campaign import Job, run_all
from sentipair.experiments.contest import Entry, floors_table
from sentipair.experiments.run import REPORT
from sentipair.features import FeatureStore
from sentipair.files import refuse_foreign, write_json, write_text
from sentipair.reporting.page import Section, write_page
from sentipair.reporting.run import Json
from sentipair.reporting.sections import HEADLINES
from sentipair.reporting.seeds import over_seeds
from sentipair.reporting.tables import Table
from sentipair.training.config import RunConfig
from sentipair.training.recipes import configure, load_recipe, published_results

RESULT = "reproduce.json"
VERDICT = "reproduce.md"


def reproduce(
    model: str,
    data: str,
    *,
    seeds: Sequence[int],
    output: Path,
    store: FeatureStore,
    overrides: Sequence[str] = (),
    workers: int | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Run ``model`` as published and sound on ``data`` and say whether its published results lie in our intervals.

    Args:
        model: a registered model whose recipe for ``data`` holds published results.
        data: a data set by name.
        seeds: of both.
        output: gets ``published/seed-N``, ``sound/seed-N``, ``reproduce.json``, ``reproduce.md``, ``report.html``.
        store: where features are kept.
        overrides: settings of both, see ``configure``.
        workers: see ``run_all``.
        options: of ``configure``: root, encoders, engine.

    Returns:
        What ``reproduce.json`` holds.

    Raises:
        UserError: nothing was published, the data cannot be used, a training fails, or the folder holds a page that no
            reproduction has written.
    """
    refuse_foreign(output, (REPORT, VERDICT, RESULT), config=RESULT, keys=frozenset({"model", "verdicts"}))
    claims = published_results(model, data)
    if not claims:
        raise UserError(
            f"the recipe of {model} for {data} holds no published results; there is nothing to reproduce"
        )
    fidelities = [name for name in ("published", "sound") if name in load_recipe(model, data)["fidelity"]]
    configs = {
        name: configure(model, data, fidelity=name, overrides=overrides, **options) for name in fidelities
    }
    jobs = [Job(config=config, folder=output / name) for name, config in configs.items()]
    summaries = dict(zip(configs, run_all(jobs, seeds, store=store, workers=workers), strict=True))
    verdicts = [
        {
            "claim": source,
            "metric": metric,
            "published": value,
            "fidelity": name,
            "ours": summary["test"][metric]["mean"],
            "sd": summary["test"][metric]["sd"],
            "interval": summary["test"][metric]["interval"],
            "inside": is_inside(value, summary["test"][metric]["interval"]),
        }
        for source, metrics in claims.items()
        for metric, value in metrics.items()
        for name, summary in summaries.items()
    ]
    paper = configure(model, data, fidelity="published", **options) if "published" in fidelities else None
    paragraph = what_differs(configs, paper, load_recipe(model, data).get("encoders"), summaries)
    table = _table(f"{model} on {data}", verdicts, len(seeds))
    facts = {"model": model, "data": data, "seeds": ", ".join(map(str, seeds))}
    [(name, summary), *_] = summaries.items()
    floors = floors_table(Entry(name=name, folder=jobs[0].folder, summary=summary, published={}))
    result = {
        "model": model,
        "data": data,
        "verdicts": verdicts,
        "what differs": paragraph,
        "summaries": summaries,
    }
    write_json(output / RESULT, result)  # first: it says whose page that is
    write_text(output / VERDICT, f"{table.markdown()}\n{paragraph}\n\n{floors.markdown()}")
    section = Section(title="Verdict", lead=paragraph, tables=[table, floors])
    write_page(
        output / REPORT,
        title=f"{model} on {data}: does the number hold?",
        facts=facts,
        sections=[section],
    )
    return result


def is_inside(value: float, interval: Sequence[float]) -> bool:
    """Whether a published value lies in our interval, ends included."""
    return interval[0] <= value <= interval[1]


def what_differs(
    configs: Mapping[str, RunConfig],
    paper: RunConfig | None,
    encoders: str | None,
    summaries: Mapping[str, Json],
) -> str:
    """One honest paragraph: what ours has in common with the paper and what not.

    Args:
        configs: of our runs, by fidelity.
        paper: the published part of the recipe as it stands; ``None`` where it has none.
        encoders: those that the recipe names, see ``Encoders.resolve``.
        summaries: of our runs, by fidelity.
    """
    config = next(iter(configs.values()))
    chosen = config.encoders
    named = Encoders.resolve(PAPER, paper=encoders) if encoders else None
    parts = []
    if named and (named.text, named.image, named.clip) != (chosen.text, chosen.image, chosen.clip):
        parts.append(
            f"The encoders differ: the recipe has {encoders}, these runs have {chosen.title}, so this tests the method "
            "on other features and not the very number; `--encoders paper` takes the recipe's"
        )
    elif config.plugins.finetune:
        parts.append("The encoders are the recipe's, their last layers trained as listed below")
    else:
        parts.append("The encoders are the recipe's, frozen and without noise from training mode")
    parts.append("the epoch is chosen on validation posts and the test posts are looked at once per seed")
    for name, ours in configs.items():
        changed = (
            differences(ours, paper) if paper else ["settings of our own; no recipe of the paper is at hand"]
        )
        parts.append(f"{name} has {'the recipe as published' if not changed else ', '.join(changed)}")
    for name, summary in summaries.items():
        if summary["flips"] > 0:
            parts.append(
                f"with the {name} arithmetic up to {summary['flips']:.1%} of the predictions change with batch size, "
                "order or padding, so its score belongs to the order of the test file as much as to the model"
            )
    return ". ".join(part[0].upper() + part[1:] for part in parts) + "."


def differences(ours: RunConfig, paper: RunConfig) -> list[str]:
    """Settings in which ``ours`` differs from ``paper``, as "training.epochs 8 (150)"; fidelity and place aside."""
    found = []
    for part in ("model", "objective", "training", "data", "plugins"):
        mine, theirs = ours.model_dump()[part], paper.model_dump()[part]
        found += [
            f"{part}.{name} {value} ({theirs.get(name)})"
            for name, value in mine.items()
            if value != theirs.get(name) and name not in ("fidelity", "root")
        ]
    return found


def _table(title: str, verdicts: Sequence[Json], seeds: int) -> Table:
    rows = []
    for verdict in verdicts:
        low, high = verdict["interval"]
        sd = "" if verdict["sd"] is None else f" ± {verdict['sd']:.3f}"
        ours = f"{verdict['ours']:.3f}{sd} ({low:.3f} – {high:.3f})"
        place = "inside" if verdict["inside"] else "above" if verdict["published"] > high else "below"
        metric = HEADLINES[verdict["metric"]]
        rows.append(
            [verdict["claim"], metric, f"{verdict['published']:.3f}", verdict["fidelity"], ours, place]
        )
    return Table(
        title=title,
        columns=[
            "source",
            "metric",
            "its value",
            "our arithmetic",
            "ours (95 %)",
            "its value is … our interval",
        ],
        rows=rows,
        note=f"Ours: {over_seeds(seeds)}; bootstrap interval over the test posts.",
    )
