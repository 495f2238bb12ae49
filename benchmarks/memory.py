"""Memory of training on generated pairs: must stay under 3 GiB resident for every model, and for 50,000 pairs.

    python benchmarks/memory.py [--pairs 50000] [--epochs 1] [--folder /tmp]
    python benchmarks/memory.py --models all --pairs 200 --words 150

Makes a folder of small pictures with a table of texts and runs ``sentipair train`` on it (extraction, training,
evaluation, report), each model in a process of its own and, where its code was released, as published too; prints the
largest resident memory of each. With texts as long as any is read, a few batches show what a model takes at most.
Everything lies in a temporary folder, which goes at the end; features take about 0.22 MB per pair there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from PIL import Image

from sentipair.models import list_models, model_class, settings_of
from sentipair.progress import track
from sentipair.training.recipes import configure

LIMIT_MIB = 3 * 1024
CLASSES = ("positive", "neutral", "negative")
WORDS = ("rain", "love", "sea", "again", "today", "sad", "friends")


def make_row(folder: Path, number: int, longest: int) -> dict[str, str]:
    """A picture of 12 coloured fields and a text of up to ``longest`` words, different for every number."""
    generator = np.random.default_rng(number)
    fields = generator.integers(0, 256, (3, 4, 3), dtype=np.uint8)
    name = f"{number}.jpg"
    Image.fromarray(fields).resize((320, 240), Image.Resampling.NEAREST).save(folder / name)
    words = generator.choice(WORDS, generator.integers(longest // 9, longest + 1))
    return {"file_name": name, "text": f"{number} {' '.join(words)}", "label": CLASSES[number % 3]}


def train(data: Path, folder: Path, model: str, fidelity: str, epochs: int) -> float:
    """The command as a person would give it; returns its largest resident memory in MiB.

    ``epochs`` are those of the classifier; a first stage that leaves it alone comes before them.
    """
    before = configure(model, str(data), fidelity=fidelity).objective.get("contrastive_epochs", 0)
    command = ["train", model, "--data", str(data), "--fidelity", fidelity]
    command += ["--set", f"training.epochs={before + epochs}"]
    output = folder / f"{model}-{fidelity}"
    places = ["--features", str(folder / "features"), "--output", str(output)]
    script = "from sentipair.cli import main; main()"
    process = subprocess.Popen([sys.executable, "-c", script, *command, *places])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{model} {fidelity}: see above")
    return usage.ru_maxrss / 1024


def fidelities(model: str) -> list[str]:
    """``sound``, and ``published`` where there is such a version."""
    return ["sound", "published"] if "fidelity" in settings_of(model_class(model)) else ["sound"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=50_000)
    parser.add_argument("--words", type=int, default=45, help="of the longest text")
    parser.add_argument("--models", default="spp-scl", help="names with commas between them, or all")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    arguments = parser.parse_args()
    models = list_models() if arguments.models == "all" else arguments.models.split(",")
    used: dict[str, float] = {}
    with TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        data = folder / "posts"
        data.mkdir()
        rows = (make_row(data, number, arguments.words) for number in range(arguments.pairs))
        lines = [json.dumps(row) + "\n" for row in track(rows, "making pairs", total=arguments.pairs)]
        (data / "metadata.jsonl").write_text("".join(lines))
        for model in models:
            for fidelity in fidelities(model) if len(models) > 1 else ["sound"]:
                start = perf_counter()
                used[f"{model} {fidelity}"] = mib = train(data, folder, model, fidelity, arguments.epochs)
                seconds = perf_counter() - start
                print(f"{model} {fidelity}: {seconds:,.0f} s, at most {mib:,.0f} MiB resident", flush=True)
    most = max(used, key=used.__getitem__)
    print(f"{arguments.pairs:,} pairs: {most} takes most, {used[most]:,.0f} MiB")
    if used[most] > LIMIT_MIB:
        raise SystemExit(f"more than {LIMIT_MIB:,} MiB")


if __name__ == "__main__":
    main()
