"""A made-up run folder with plausible numbers and drawn pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageDraw
from safetensors.numpy import save_file

from sentipair.evaluation.bootstrap import bootstrap_interval, bootstrap_mean_interval
from sentipair.evaluation.calibration import describe_calibration
from sentipair.evaluation.metrics import evaluate_predictions, headline
from sentipair.evaluation.slices import Slice, score_slice

SENTIMENT = ("positive", "neutral", "negative")
PHRASES = (
    "the sea was calm all morning",
    "waiting for the bus again, third one cancelled",
    "she said yes!! 🎉 #happy",
    "new shoes, old feet",
    "nobody told me the lecture had moved",
    "RT @someone: look at this view",
)


@pytest.fixture
def make_run(tmp_path):
    """Writes one seed's folder and returns it."""

    def make(folder=None, **changes):
        return write_run(Path(folder or tmp_path / "seed-0"), **changes)

    return make


@pytest.fixture
def make_seeds(tmp_path):
    """Writes a folder with several seeds and its summary, and returns it."""

    def make(seeds=3, **changes):
        return write_seeds(tmp_path / "runs", seeds=seeds, **changes)

    return make


def write_run(
    folder, *, classes=SENTIMENT, rows=60, epochs=25, embeddings=True, pictures=True, labelled=True, seed=0
):
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    (folder / "config.yaml").write_text(config(seed), encoding="utf-8")
    history = [epoch(e, epochs, generator) for e in range(1, epochs + 1)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in history))
    targets = np.random.default_rng(99).choice(
        len(classes), rows, p=[0.6, 0.1, 0.3] if len(classes) == 3 else None
    )
    splits = {}
    for name in ("validation", "test"):
        scores, predictions = answers(targets, len(classes), generator)
        write_predictions(folder, name, classes, targets if labelled else None, scores, pictures)
        if labelled:
            splits[name] = split_result(targets, predictions, classes)
            splits[name] |= {
                "calibration": describe_calibration(np.log(scores), targets, temperature=1.62),
                "slices": slice_results(targets, predictions, classes),
            }
    best = max(history, key=lambda line: line["validation"]["accuracy"])["epoch"]
    result = {
        "best_epoch": best,
        "splits": splits,
        "seconds": {"features": 312.4, "training": 95.2, "evaluation": 2.1},
    }
    (folder / "result.json").write_text(json.dumps(result))
    (folder / "environment.json").write_text(
        json.dumps({"versions": {"torch": "2.13.0", "numpy": "2.4.6"}, "cpu": "2 cores", "git": "0a1b2c3"})
    )
    if embeddings:
        write_embeddings(folder, targets, generator)
    return folder


def write_seeds(folder, *, seeds=3, **changes):
    folders = [write_run(folder / f"seed-{s}", seed=s, **changes) for s in range(seeds)]
    splits = [json.loads((one / "result.json").read_text())["splits"]["test"] for one in folders]
    results = [split["metrics"] for split in splits]
    tables = [pq.read_table(one / "predictions-test.parquet").to_pydict() for one in folders]
    classes = [name[2:-1] for name in tables[0] if name.startswith("p(")]
    targets = np.array([classes.index(label) for label in tables[0]["label"]])
    predictions = [np.array([classes.index(p) for p in table["prediction"]]) for table in tables]
    test = {}
    for key in headline(len(classes)):
        values = [result[key] for result in results]
        interval = bootstrap_mean_interval(
            targets, predictions, num_classes=len(classes), statistic=key, resamples=500
        )
        sd = float(np.std(values, ddof=1)) if seeds > 1 else None
        test[key] = {"mean": float(np.mean(values)), "sd": sd, "values": values, "interval": interval}
    summary = {
        "model": "spp-scl",
        "data": "mvsa-single",
        "seeds": list(range(seeds)),
        "test": test,
        "majority": {key: results[0][f"majority_{key}"] for key in test},
        "slices": slices_over_seeds(splits),
    }
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def config(seed):
    return (
        "model: spp-scl\nfidelity: sound\n"
        "data:\n  source: mvsa-single\n  variant: polarity-wins\n  scheme: clmlf\n"
        "encoders:\n  text: all-MiniLM-L6-v2\n  image: efficientnet-lite0\n"
        "objective:\n  name: two-step\n  alpha: 0.6666\n  temperature: 0.07\n"
        f"training:\n  epochs: 25\n  batch_size: 64\n  note: '<b>bold</b>'\nseed: {seed}\n"
    )


def epoch(number, epochs, generator):
    noise = generator.normal(0, 0.012, 4)
    gain = 1 - np.exp(-4 * number / epochs)
    return {
        "epoch": number,
        "seconds": 3.2,
        "train": {
            "loss": 9.0 - 4.5 * gain + noise[0],
            "cross_entropy": 1.05 - 0.6 * gain + noise[1],
            "scl_text": 3.9 - 0.9 * gain,
            "scl_image": 4.0 - 0.6 * gain,
            "scl_cross": 4.1 - 0.5 * gain,
            "step2": float(np.clip(0.95 - 0.8 * gain + 3 * noise[2], 0, 1)),
        },
        "validation": {
            "accuracy": 0.6 + 0.11 * gain + noise[0],
            "weighted_f1": 0.45 + 0.24 * gain + noise[1],
            "macro_f1": 0.28 + 0.27 * gain + noise[2],
            "loss": 0.95 - 0.35 * gain + 0.25 * (number / epochs) ** 2 + noise[3],
        },
    }


def answers(targets, num_classes, generator):
    scores = generator.gamma(0.7, size=(len(targets), num_classes)) + 1e-3
    scores[np.arange(len(targets)), targets] += generator.gamma(1.2, size=len(targets))
    scores /= scores.sum(axis=1, keepdims=True)
    return scores, scores.argmax(axis=1)


def split_result(targets, predictions, classes):
    metrics = evaluate_predictions(targets, predictions, classes)
    clean = evaluate_predictions(targets[:-5], predictions[:-5], classes)
    intervals = {
        key: bootstrap_interval(targets, predictions, num_classes=len(classes), statistic=key, resamples=500)
        for key in headline(len(classes))
    }
    return {
        "metrics": metrics.to_dict(),
        "intervals": intervals,
        "flips": {"batch size 1": 0.0, "shuffled": 0.0, "padding +50": 0.0},
        "clean": {"metrics": clean.to_dict(), "intervals": intervals},
        "looks": 1,
    }


def slice_results(targets, predictions, classes):
    """By class and, with an empty slice between, by the place in the file."""
    places = np.arange(len(targets))
    parts = [Slice("class", name, targets == index) for index, name in enumerate(classes)]
    parts += [Slice("words", "up to 10", places < 40), Slice("words", "over 20", places < 0)]
    parts += [Slice("withheld", "text", places >= 0)]
    return [score_slice(part, targets=targets, predictions=predictions, classes=classes) for part in parts]


def slices_over_seeds(results):
    """As in ``summary.json``."""
    rows = []
    for same in zip(*(result["slices"] for result in results), strict=True):
        row = {key: same[0][key] for key in ("by", "name", "count")}
        for key in ("accuracy", "weighted_f1", "macro_f1"):
            values = [one[key] for one in same]
            sd = float(np.std(values, ddof=1)) if None not in values and len(values) > 1 else None
            row[key] = None if None in values else {"mean": np.mean(values), "sd": sd, "values": values}
        rows.append(row)
    return rows


def write_predictions(folder, split, classes, targets, scores, pictures):
    rows = len(scores)
    columns = {
        "id": [f"{split}-{i}" for i in range(rows)],
        "text": [PHRASES[i % len(PHRASES)] for i in range(rows)],
        "image": [draw(folder.parent / "pictures", i) if pictures else None for i in range(rows)],
        "label": pa.array(
            [None if targets is None else classes[targets[i]] for i in range(rows)], pa.string()
        ),
        "prediction": [classes[i] for i in scores.argmax(axis=1)],
        "confidence": scores.max(axis=1),
        **{f"p({name})": scores[:, i] for i, name in enumerate(classes)},
    }
    columns["image"] = pa.array(columns["image"], pa.string())
    pq.write_table(pa.table(columns), folder / f"predictions-{split}.parquet")


def draw(folder, number):
    """A sky, a sun and hills of its own colours; every eighth picture is missing, every ninth unreadable."""
    path = folder / f"{number}.jpg"
    if number % 8 == 7 or path.exists():
        return str(path)
    folder.mkdir(parents=True, exist_ok=True)
    if number % 9 == 8:
        path.write_bytes(b"not a picture")
        return str(path)
    generator = np.random.default_rng(number)
    width, height = ((320, 240), (240, 320), (400, 225))[number % 3]
    image = Image.new("RGB", (width, height), tuple(int(c) for c in generator.integers(120, 255, 3)))
    pen = ImageDraw.Draw(image)
    x, y, r = (int(v) for v in generator.integers((40, 30, 15), (200, 90, 40)))
    pen.ellipse((x - r, y - r, x + r, y + r), fill=(250, 225, 120))
    for _ in range(4):
        x, r = (int(v) for v in generator.integers((0, 60), (width, 160)))
        colour = tuple(int(c) for c in generator.integers(30, 150, 3))
        pen.ellipse((x - r, height - r // 2, x + r, height + r), fill=colour)
    image.save(path)
    return str(path)


def write_embeddings(folder, targets, generator):
    centres = generator.normal(size=(targets.max() + 1, 32))
    for stage, pull in (("embeddings-initial", 0.1), ("embeddings", 1.1)):
        tensors = {
            name: (pull * centres[targets] + generator.normal(size=(len(targets), 32)) + 0.6).astype("f2")
            for name in ("image", "text", "fused")
        }
        save_file(tensors, folder / f"{stage}-test.safetensors")
