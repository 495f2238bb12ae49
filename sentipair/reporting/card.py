"""The model card: what somebody must know who uses a trained model, made from its run folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from sentipair.errors import UserError
from sentipair.reporting.run import Json, SeedRun
from sentipair.reporting.sections import HEADLINES, absent_classes, headlines
from sentipair.reporting.slices import of_seed
from sentipair.reporting.tables import Table
from sentipair.runs import CLEAN, read_json

USE = """Sorting and counting posts by what picture and text say together, with a person looking at what matters.
Without a picture or without a text it answers as well; it says what each of them says alone, and whether they disagree.
It is not made for decisions about people, nor for finding out how an author feels: it has learned how annotators label
posts."""

LIMITS = (
    "It knows the language, the platform and the years of its training posts; elsewhere, expect lower scores.",
    "Its probabilities are calibrated on posts like those of its training by one temperature, which is also used for "
    "what text and picture say alone.",
    "The encoders see the middle of a picture in a few hundred pixels, and the beginning of a long text.",
)


def model_card(folder: Path) -> str:
    """The card of the finished run in ``folder``, in Markdown with the header that the Hugging Face hub reads.

    Raises:
        UserError: the run is not finished, or a file of it is damaged.
    """
    run, model = SeedRun(folder), read_json(folder / "config.json")
    if not (run.splits and run.config and model):
        raise UserError(f"there is no finished run in {folder}; give a folder that `sentipair train` wrote")
    header = {
        "library_name": "sentipair",
        "tags": ["sentiment-analysis", "multimodal", "image-text", model["model"]],
    }
    parts = [
        f"---\n{yaml.safe_dump(header, sort_keys=False)}---",
        f"# {model['model']} on {_data_name(run)}",
        "\n".join(_lead(run, model)),
        "## Intended use",
        USE,
        "## Data and protocol",
        "\n".join(_protocol(run, model)),
        "## Scores",
        *(table.markdown() for table in _tables(run)),
        "## Limits",
        "\n".join(f"- {line}" for line in (*_weaknesses(run), *LIMITS)),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _lead(run: SeedRun, model: Json) -> Iterator[str]:
    *first, last = model["classes"]
    yield f"Tells {', '.join(first)} and {last} posts apart, from a picture and a text.\n"
    yield "```python"
    yield "from sentipair.inference import Predictor\n"
    yield 'predictor = Predictor.from_pretrained("this-folder-or-hub-id")'
    yield 'print(predictor(image="photo.jpg", text="what a day"))'
    yield "```"


def _protocol(run: SeedRun, model: Json) -> Iterator[str]:
    data, environment = run.config["data"], run.environment
    rule = f"labels by the rule `{data['variant']}`" if data["variant"] else "labels as given"
    splits = (
        f"splits `{data['scheme']}`" if data["scheme"] else "splits as given, or made by stratified sampling"
    )
    yield (
        f"- Data: {_data_name(run)}, {rule}, {splits}; fingerprint `{str(environment.get('data'))[:16]}`. "
        "The model holds weights only, no posts."
    )
    if (members := model.get("members", 1)) > 1:
        yield f"- An ensemble: {members} networks with weights of their own, whose probabilities are averaged."
    encoders = ", ".join(f"{kind} {name}" for kind, name in model["encoders"].items())
    layers = (model.get("plugins", {}).get("finetune") or {}).get("layers", {})
    trained = " and ".join(f"the last {count} layers of {kind}" for kind, count in layers.items())
    yield f"- Encoders, frozen{f' but for {trained}' if trained else ''}: {encoders}."
    yield (
        f"- The epoch ({run.result['best_epoch']}) was chosen by accuracy on the validation split. Looks at the test "
        f"split, after that: {run.splits['test']['looks']}."
        if "test" in run.splits
        else "- There was no test split; the epoch was chosen on the scores below, which are therefore too good."
    )
    yield f"- Seed {run.config['seed']}; temperature {model['temperature']:.3f}; code `{environment.get('git')}`."


def _tables(run: SeedRun) -> Iterator[Table]:
    name, split = next(iter(run.splits.items()))
    rows = [
        [
            part,
            *(
                f"{head.value:.3f} ({head.interval[0]:.3f} – {head.interval[1]:.3f})"
                for head in heads
                if head.interval
            ),
        ]
        for part, found in ((name, split), (f"{name}, clean", split.get("clean")))
        if found and (heads := headlines(found))
    ]
    metrics = split["metrics"]
    keys = [key for key in HEADLINES if split["intervals"].get(key)]
    rows.append(["majority class", *(f"{metrics[f'majority_{key}']:.3f}" for key in keys)])
    yield Table(
        title="All posts",
        columns=["posts", *(HEADLINES[key] for key in keys)],
        rows=rows,
        note=" ".join(
            filter(None, (f"95 % bootstrap intervals over posts. Clean: {CLEAN}.", absent_classes(metrics)))
        ),
    )
    if slices := of_seed(split):
        yield Table(
            title="Slices",
            columns=["posts", "number", "accuracy"],
            rows=[
                [f"{group}: {row.name}", f"{row.count:,}", f"{row.accuracy:.3f}"]
                for group, members in slices.groups
                for row in members
                if row.accuracy is not None
            ],
            note=f"Of the {name} split, whose accuracy is {slices.overall:.3f}.",
        )


def _weaknesses(run: SeedRun) -> Iterator[str]:
    split = next(iter(run.splits.values()))
    there = [row for row in split["metrics"]["per_class"] if row["support"]]
    worst = min(there, key=lambda row: float(row["recall"]))
    yield f"Of the {worst['name']} posts it finds {worst['recall']:.0%}, the fewest of all classes."
    for name, scores in run.splits.items():
        if flips := max(scores["flips"].values(), default=0):
            yield f"Up to {flips:.1%} of its predictions on {name} change with the batch they are in."


def _data_name(run: SeedRun) -> str:
    """The data set or the file name of a table: where it lies is nobody's business."""
    return Path(run.config["data"]["source"]).name
