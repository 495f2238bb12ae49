"""The encoders that a run has fine-tuned, as folders for transformers and ``--encoders``.

So what one data set teaches helps on another (Phang, Févry & Bowman, "Sentence Encoders on STILTs: Supplementary
Training on Intermediate Labeled-data Tasks", arXiv:1811.01088), in every model, and with features stored once.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from torch import nn
from transformers import PreTrainedModel

from sentipair.data.duplicates import read_pictures
from sentipair.data.traces import TRACES, Traces, read_traces, write_traces
from sentipair.encoders import TextEncoder
from sentipair.encoders.loading import quiet
from sentipair.encoders.lower import LowerImageEncoder, LowerTextEncoder
from sentipair.encoders.preprocessing import find_preprocessor
from sentipair.errors import UserError
from sentipair.experiments.run import CONFIG, refuse_other_data
from sentipair.experiments.workbench import open_dataset
from sentipair.files import explain_os_error
from sentipair.inference.pretrained import best_seed
from sentipair.models.finetuned import FineTuned
from sentipair.models.persistence import load_model
from sentipair.training.config import RunConfig

LowerEncoder = LowerTextEncoder | LowerImageEncoder


def export_encoders(run: str | Path, output: Path) -> dict[str, str]:
    """Write each fine-tuned encoder into a folder of its own below ``output``, with hashes of what it was trained on.

    Args:
        run: a run that was trained with ``--finetune``; of several seeds the best on validation is taken. Its data must
            be where it was.
        output: a folder, made where it is not there.

    Returns:
        ``"text"``, ``"image"`` → what to name for ``--encoders``: its folder, or the encoder that was not trained.

    Raises:
        UserError: no such run, no encoder was trained in it, its data is gone or has changed, the encoder is no network
            of transformers, or the folder cannot be written to.
    """
    folder = best_seed(Path(run))
    if not (folder / CONFIG).is_file():
        raise UserError(
            f"{folder} does not say what it was trained on; give the run folder that `sentipair train` wrote"
        )
    model, config = load_model(folder)
    if not isinstance(model, FineTuned):
        raise UserError(
            f"no single encoder was trained in {folder}; train with --finetune text:4, no ensemble"
        )
    encoders = {modality: model.encoder_below(modality) for modality in model.layers}
    folders = {modality: Path(output) / modality for modality in encoders}
    networks = {
        modality: _network(encoder, model.tops[modality], folders[modality])
        for modality, encoder in encoders.items()
    }
    dataset = open_dataset(RunConfig.read(folder / CONFIG).data)
    refuse_other_data(folder, dataset)
    traces = Traces.of(dataset, read_pictures(dataset.pairs))
    for modality, encoder in encoders.items():
        _write(folders[modality], encoder, networks[modality], [*read_traces(encoder.folder), traces])
    return {**config.encoders, **{modality: str(path) for modality, path in folders.items()}}


def _network(encoder: LowerEncoder, top: nn.Module, folder: Path) -> PreTrainedModel:
    """The whole network, if it can be exported to ``folder``."""
    whole = encoder.whole(top)
    if not isinstance(whole, PreTrainedModel):
        raise UserError(
            f"{encoder.model_type} is no network of transformers and cannot be exported to it; "
            "fine-tune the text encoder alone, or a picture encoder from a folder or the hub"
        )
    if folder.exists() and not (folder / TRACES).exists():
        raise UserError(f"{folder} is there already and is no exported encoder; choose another --output")
    return whole


def _write(folder: Path, encoder: LowerEncoder, whole: PreTrainedModel, traces: list[Traces]) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".export-", dir=folder.parent) as name:
            made = Path(name) / folder.name
            with quiet():
                whole.save_pretrained(made)
            if isinstance(encoder, TextEncoder):
                encoder.tokenizer.save_pretrained(made)
            elif (preprocessor := find_preprocessor(encoder.folder)) is not None:
                shutil.copy(preprocessor, made)
            write_traces(made, traces)
            for file in made.iterdir():  # weights are written for their owner alone
                file.chmod(0o644)
            if folder.exists():
                folder.replace(Path(name) / "before")
            made.replace(folder)
    except OSError as error:
        raise explain_os_error(error, folder) from error
