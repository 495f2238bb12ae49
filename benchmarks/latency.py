"""How long one post takes: the first call of the command line, stage by stage, and a predictor that is warm.

    python benchmarks/latency.py [--engine auto] [--exported FOLDER] [--calls 200]

Beside seconds on the clock stand seconds of processor time, which other people's work on the machine changes less.
``--exported`` measures what `sentipair export` wrote as well.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

BARS = {"first call": "at most 6 s", "warm": "median at most 30 ms"}

STAGES = {
    "PyTorch": "import torch",
    "transformers": "from transformers import AutoTokenizer, BertModel",
    "sentipair": "from sentipair.inference import Predictor",
    "the model and its vocabulary": "predictor = Predictor.from_pretrained(engine='torch')",
    "the networks and one answer": "predictor(image=sys.argv[1], text='what a day')",
}
"""What a first call does, one after the other."""


def make_picture(folder: Path) -> Path:
    """A JPEG of 600 × 800 pixels."""
    small = np.random.default_rng(0).integers(0, 256, (20, 15, 3), dtype=np.uint8)
    Image.fromarray(small).resize((600, 800), Image.Resampling.BICUBIC).save(folder / "photo.jpg")
    return folder / "photo.jpg"


def first_call(words: list[str]) -> tuple[float, float]:
    """Seconds on the clock and of processor time of a command."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(words, check=True, capture_output=True)
    took, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def stages(picture: Path) -> dict[str, tuple[float, float]]:
    """Seconds on the clock and of processor time per stage, in a process of their own."""
    steps = "\n".join(f"{code}\nmark({name!r})" for name, code in STAGES.items())
    code = f"""
import json, sys, time
marks = [("", time.perf_counter(), 0.0)]
def mark(name):
    marks.append((name, time.perf_counter(), time.process_time()))
mark("Python")
{steps}
took = {{m[0]: (m[1] - before[1], m[2] - before[2]) for before, m in zip(marks, marks[1:])}}
print(json.dumps(took))
"""
    done = subprocess.run([sys.executable, "-c", code, picture], check=True, capture_output=True, text=True)
    return {name: tuple(both) for name, both in json.loads(done.stdout).items()}


def warm(ask: Callable[[str], object], calls: int) -> tuple[float, float, float]:
    """Median and 95th percentile on the clock, and mean processor time, in milliseconds per post."""
    for number in range(10):
        ask(f"what a day, number {number}")
    clock, start = [], time.process_time()
    for number in range(calls):
        began = time.perf_counter()
        ask(f"another day, number {number}, and what a day it was")
        clock.append(1e3 * (time.perf_counter() - began))
    processor = 1e3 * (time.process_time() - start) / calls
    return statistics.median(clock), float(np.percentile(clock, 95)), processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--exported", default=None)
    parser.add_argument("--calls", type=int, default=200)
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        picture = make_picture(Path(name))
        start = [sys.executable, "-c", "from sentipair.cli import main; main()", "predict"]
        commands = {"sentipair predict": [*start, str(picture), "what a day"]}
        if options.exported:
            words = [sys.executable, "-m", "sentipair.portable", options.exported, str(picture), "what a day"]
            commands["sentipair.portable"] = words
        print(f"first call ({BARS['first call']})")
        for name, words in commands.items():
            clock, processor = min(first_call(words) for _ in range(3))
            print(f"  {name:<30} {clock:6.2f} s   processor {processor:5.2f} s")
        for stage, (clock, processor) in stages(picture).items():
            print(f"    {stage:<28} {clock:6.2f} s   processor {processor:5.2f} s")

        from sentipair.inference import Predictor
        from sentipair.portable import Predictor as PortablePredictor

        predictors = {
            f"sentipair.inference, {options.engine}": Predictor.from_pretrained(engine=options.engine)
        }
        if options.exported:
            predictors["sentipair.portable"] = PortablePredictor(options.exported)
        print(f"one post with a picture of 600 × 800 pixels ({BARS['warm']})")
        for name, predictor in predictors.items():
            median, slow, processor = warm(lambda text: predictor(image=picture, text=text), options.calls)  # noqa: B023
            print(
                f"  {name:<30} median {median:5.1f} ms   95 % {slow:5.1f} ms   processor {processor:5.1f} ms"
            )


if __name__ == "__main__":
    main()
