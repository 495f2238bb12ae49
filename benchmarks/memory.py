"""Memory of the main job on generated pairs: must stay under 3 GiB resident for 50,000 of them.

    python benchmarks/memory.py [--pairs 50000] [--epochs 1] [--folder /tmp]

Makes a folder of small pictures with a table of texts, runs ``sentipair train spp-scl`` on it in a process of its own
(extraction, training, evaluation, report) and prints that process's largest resident memory. Everything lies in a
temporary folder, which goes at the end; features take about 0.22 MB per pair there.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from PIL import Image

from sentipair.progress import track

LIMIT_MIB = 3 * 1024
CLASSES = ("positive", "neutral", "negative")
WORDS = ("rain", "love", "sea", "again", "today", "sad", "friends")


def make_row(folder: Path, number: int) -> dict[str, str]:
    """A picture of 12 coloured fields and a text of 5 to 45 words, different for every number."""
    generator = np.random.default_rng(number)
    fields = generator.integers(0, 256, (3, 4, 3), dtype=np.uint8)
    name = f"{number}.jpg"
    Image.fromarray(fields).resize((320, 240), Image.Resampling.NEAREST).save(folder / name)
    words = generator.choice(WORDS, generator.integers(5, 46))
    return {"file_name": name, "text": f"{number} {' '.join(words)}", "label": CLASSES[number % 3]}


def train(data: Path, folder: Path, epochs: int) -> None:
    """The command as a person would give it."""
    command = ["train", "spp-scl", "--data", str(data), "--set", f"training.epochs={epochs}"]
    places = ["--features", str(folder / "features"), "--output", str(folder / "run")]
    script = "from sentipair.cli import main; main()"
    subprocess.run([sys.executable, "-c", script, *command, *places], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=50_000)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    arguments = parser.parse_args()
    with TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        data = folder / "posts"
        data.mkdir()
        rows = (make_row(data, number) for number in range(arguments.pairs))
        lines = [json.dumps(row) + "\n" for row in track(rows, "making pairs", total=arguments.pairs)]
        (data / "metadata.jsonl").write_text("".join(lines))
        start = perf_counter()
        train(data, folder, arguments.epochs)
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{arguments.pairs:,} pairs, {perf_counter() - start:,.0f} s: at most {used:,.0f} MiB resident")
    if used > LIMIT_MIB:
        raise SystemExit(f"more than {LIMIT_MIB:,} MiB")


if __name__ == "__main__":
    main()
