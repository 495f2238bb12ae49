"""A trained model with its encoders in one folder, checked against PyTorch before it is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

from sentipair.data.pair import Pair
from sentipair.encoders import ImageEncoder, TextEncoder
from sentipair.encoders.text import LastHiddenStates
from sentipair.errors import UserError
from sentipair.export.graph import Inputs, require_packages, write_graph
from sentipair.export.head import Head, require_exportable
from sentipair.export.recurrence import with_padded_recurrence
from sentipair.features.specs import ImageSource, TextSource
from sentipair.files import explain_os_error, refuse_foreign
from sentipair.inference import Prediction, Predictor
from sentipair.inference.posts import make_pair
from sentipair.inference.pretrained import find_model
from sentipair.models.persistence import WEIGHTS, load_model
from sentipair.portable import Predictor as PortablePredictor
from sentipair.portable.folder import (
    CONFIG,
    HEAD,
    IMAGE_ENCODER,
    TEXT_ENCODER,
    TOKENIZER,
    ExportConfig,
    Format,
    ImageInput,
    TextInput,
    write_config,
)
from sentipair.progress import track
from sentipair.runs import refuse_run

TOLERANCE = 1e-3
"""By how much a probability may differ from the one that PyTorch computes."""

POSTS, TOKENS = 3, 12
"""Of the examples that the exporter traces."""


def export_model(source: str | Path | None, output: Path, *, to: Format = "onnx") -> float:
    """Write the model with its encoders to ``output``, for ``sentipair.portable``.

    Args:
        source: what ``find_model`` takes; of several seeds the best on validation is taken.
        output: a folder, made where it is not there. A killed export leaves no ``config.json`` in it.
        to: ``"onnx"`` or ``"openvino"``.

    Returns:
        The largest difference from PyTorch in a probability, over a few posts.

    Raises:
        UserError: there is no trained model, it cannot be exported, a package is missing, the folder cannot be written
            to or holds other files, or the exported model differs by more than 0.001.
    """
    require_packages(to)
    model, config = load_model(find_model(source))
    require_exportable(model, config)
    predictor = Predictor(model, config, engine="torch")
    output = Path(output)
    refuse_run(output)
    # a killed export leaves graphs without a configuration, and the tokenizer after them
    unfinished = any(output.glob(f"{HEAD}.*"))
    names = (CONFIG, WEIGHTS) if unfinished else (CONFIG, WEIGHTS, TOKENIZER)
    refuse_foreign(output, names, config=CONFIG, keys=frozenset({"format", "outputs"}))
    try:
        output.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".export-", dir=output) as name:
            made = Path(name)
            _write(made, predictor, to=to)
            difference = largest_difference(predictor, PortablePredictor(made))
            if not difference <= TOLERANCE:  # also where it is no number
                raise UserError(
                    f"{config.model} cannot be exported: the {to} files differ from PyTorch by {difference:.1g} in a "
                    "probability"
                )
            (output / CONFIG).unlink(missing_ok=True)
            for path in sorted(made.iterdir(), key=lambda path: path.name == CONFIG):  # config.json last
                path.replace(output / path.name)
    except OSError as error:
        raise explain_os_error(error, output) from error
    return difference


def largest_difference(predictor: Predictor, exported: PortablePredictor) -> float:
    """The largest difference in a probability, those of text and picture alone included, over posts of all kinds."""
    ours, theirs = _statements(predictor.predict(_posts())), _statements(exported.predict(_posts()))
    found = [abs(one[name] - other[name]) for one, other in zip(ours, theirs, strict=True) for name in one]
    return float(np.max(found))  # unlike Python's it keeps what is no number


def _write(folder: Path, predictor: Predictor, *, to: Format) -> None:
    """All the files, ``config.json`` last."""
    sources = [source for _, source in predictor.encode.columns]
    text = next((source.encoder for source in sources if isinstance(source, TextSource)), None)
    image = next((source.encoder for source in sources if isinstance(source, ImageSource)), None)
    head = Head(predictor.model, prefix=image.prefix if image else 0)
    examples = _states(text, image)
    outputs = list(head(**{name: example for name, (example, _) in examples.items()}))
    for name in track([HEAD, TEXT_ENCODER, IMAGE_ENCODER], "exporting"):
        if name == HEAD:
            exact = with_padded_recurrence(head)
            write_graph(exact, folder / name, inputs=examples, outputs=outputs, to=to)
        elif name == TEXT_ENCODER and text:
            _write_text_encoder(folder, text, to=to)
        elif name == IMAGE_ENCODER and image:
            _write_image_encoder(folder, image, to=to)
    config = predictor.config
    write_config(
        folder,
        ExportConfig(
            format=to,
            model=config.model,
            classes=config.classes,
            temperature=config.temperature,
            outputs=tuple(outputs),
            text=TextInput(steps=config.text_steps, max_length=text.max_length, pad_id=text.pad_id)
            if text
            else None,
            image=ImageInput(preprocessing=image.preprocessing, shape=image.shape) if image else None,
        ),
    )


def _write_text_encoder(folder: Path, encoder: TextEncoder, *, to: Format) -> None:
    if not encoder.tokenizer.is_fast:
        raise UserError(f"{encoder.folder} cannot be exported: its tokenizer has no tokenizer.json")
    (folder / TOKENIZER).write_text(encoder.tokenizer.backend_tokenizer.to_str(), encoding="utf-8")
    ids = torch.full((POSTS, TOKENS), encoder.pad_id + 1)
    inputs = {"input_ids": (ids, (0, 1)), "attention_mask": (torch.ones_like(ids), (0, 1))}
    network = LastHiddenStates(encoder.load(pretrained=True), encoder.last)
    write_graph(network, folder / TEXT_ENCODER, inputs=inputs, outputs=["states"], to=to)


def _write_image_encoder(folder: Path, encoder: ImageEncoder, *, to: Format) -> None:
    side = encoder.preprocessing.crop
    pixels = torch.zeros(POSTS, side, side, 3, dtype=torch.uint8)
    write_graph(
        encoder.network, folder / IMAGE_ENCODER, inputs={"pixels": (pixels, (0,))}, outputs=["states"], to=to
    )


def _states(text: TextEncoder | None, image: ImageEncoder | None) -> Inputs:
    """Examples of the head's inputs, each with its dimensions of any size."""
    examples: dict[str, tuple[Tensor, tuple[int, ...]]] = {}
    if text:
        states = torch.rand(POSTS, TOKENS, text.last, text.dim)
        mask = torch.ones(POSTS, TOKENS, dtype=torch.long)
        examples |= {"text_states": (states, (0, 1)), "attention_mask": (mask, (0, 1))}
    if image:
        states, present = torch.rand(POSTS, *image.shape), torch.ones(POSTS, dtype=torch.bool)
        examples |= {"image_states": (states, (0,)), "has_image": (present, (0,))}
    return examples


def _posts() -> list[Pair]:
    """Posts with both, with one, with neither, and with a text that is cut."""
    noise = np.random.default_rng(0).integers(0, 256, (3, 240, 320, 3), dtype=np.uint8)
    texts = ("what a day", "", "a lovely, lovely place " * 80)
    posts = [(image, text) for image, text in zip(noise, texts, strict=True)] + [
        (None, text) for text in texts
    ]
    return [make_pair(image=image, text=text, name=str(i)) for i, (image, text) in enumerate(posts)]


def _statements(predictions: Sequence[Prediction]) -> list[dict[str, float]]:
    """The probabilities of each post, and those of its text and its picture where there are such."""
    opinions = (each for found in predictions for each in (found, found.text, found.image))
    return [each.probabilities for each in opinions if each]
