"""Posts per second and resident memory of ``sentipair predict --input``, on JPEGs of about 600×800 pixels from disk.

    python benchmarks/scoring.py PICTURES [--posts 5000 15000] [--folder /tmp]

Enlarges the pictures of the folder PICTURES to 480,000 pixels each, takes as text the ``.txt`` file beside a picture
where there is one, and repeats them until there are enough posts. Each number of posts is scored in a process of its
own with the shipped model. The bars: 150 posts per second on two cores; at most 1.5 GiB resident, and no more for many
posts than for few.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

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


def score(folder: Path, posts: list[dict[str, str]], count: int) -> tuple[float, float, float]:
    """Seconds, CPU seconds and the largest resident memory in MiB of scoring ``count`` posts."""
    table = folder / f"posts-{count}.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["image", "text"])
        writer.writeheader()
        writer.writerows(posts[number % len(posts)] for number in range(count))
    words = ["predict", "--input", str(table), "--output", str(folder / f"scored-{count}.parquet"), "--json"]
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
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    arguments = parser.parse_args()
    with TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        posts = make_posts(arguments.pictures, folder, max(arguments.posts))
        for count in arguments.posts:
            seconds, busy, memory = score(folder, posts, count)
            print(
                f"{count:,} posts: {count / seconds:.0f} posts/s, {1000 * busy / count:.1f} ms of processor time each, "
                f"at most {memory:,.0f} MiB resident, load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    print(f"bars: {POSTS_PER_SECOND} posts/s, {LIMIT_MIB:,} MiB")


if __name__ == "__main__":
    main()
