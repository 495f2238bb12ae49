"""Handing a trained model on: a folder of weights, configuration and card, and the Hugging Face hub.

The files are those of a run, so that ``Predictor.from_pretrained`` takes a run, a folder and a model on the hub alike.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from huggingface_hub import PyTorchModelHubMixin, snapshot_download
from huggingface_hub.errors import HfHubHTTPError
from torch import nn

from sentipair.errors import UserError
from sentipair.features import PairBatch
from sentipair.files import explain_os_error, refuse_foreign, write_text
from sentipair.inference.pretrained import best_seed
from sentipair.models import PairModel, PairOutput
from sentipair.models.persistence import CONFIG, WEIGHTS, ModelConfig, load_model, save_config, save_weights
from sentipair.progress import say
from sentipair.reporting.card import model_card
from sentipair.runs import refuse_run

CARD = "README.md"


class PublishedModel(nn.Module, PyTorchModelHubMixin, library_name="sentipair"):
    """A trained model with its card; the mixin gives ``save_pretrained``, ``push_to_hub`` and ``from_pretrained``.

    Args:
        config: how the model is used.
        model: with its weights; freshly initialised where it is not given.
        card: Markdown with metadata; without one the mixin writes a bare one.
    """

    def __init__(self, config: ModelConfig, model: PairModel | None = None, card: str = "") -> None:
        super().__init__()
        self.config = config
        self.model = config.build() if model is None else model
        self.card = card

    @classmethod
    def of_run(cls, run: Path) -> PublishedModel:
        """The model of a run; of several seeds the one with the best validation accuracy.

        Raises:
            UserError: the run is not finished or damaged.
        """
        source = best_seed(Path(run))
        card = model_card(source)
        model, config = load_model(source)
        return cls(config, model, card)

    def forward(self, batch: PairBatch) -> PairOutput:
        """What the model says of B pairs."""
        output: PairOutput = self.model(batch)
        return output

    def _save_pretrained(self, save_directory: Path) -> None:
        save_config(save_directory, self.config)
        save_weights(save_directory, self.model)
        if self.card:
            write_text(save_directory / CARD, self.card)

    @classmethod
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        revision: str | None,
        cache_dir: str | Path | None,
        force_download: bool,
        local_files_only: bool,
        token: str | bool | None,
        **_: Any,  # the configuration that the mixin has read; ``load_model`` reads it, too
    ) -> PublishedModel:
        folder = Path(model_id)
        if not folder.is_dir():
            downloaded = snapshot_download(
                model_id,
                revision=revision,
                cache_dir=cache_dir,
                force_download=force_download,
                local_files_only=local_files_only,
                token=token,
                allow_patterns=[CONFIG, WEIGHTS, CARD],
            )
            folder = Path(downloaded)
        model, config = load_model(folder)
        card = folder / CARD
        return cls(config, model, card.read_text(encoding="utf-8") if card.exists() else "")


def publish(run: Path, folder: Path) -> PublishedModel:
    """Write ``config.json``, ``model.safetensors`` and the model card of a finished run into ``folder``.

    Args:
        run: a run folder, see ``PublishedModel.of_run``.
        folder: is made where it is not there.

    Raises:
        UserError: the run is not finished or damaged, or the folder cannot be written to or holds other files.
    """
    published = PublishedModel.of_run(run)
    refuse_run(folder)
    refuse_foreign(folder, (CONFIG, WEIGHTS, CARD), config=CONFIG, keys=frozenset({"model", "encoders"}))
    for kind, name in published.config.encoders.items():
        if Path(name).expanduser().is_dir():
            say(f"warning: the {kind} encoder is the folder {name}, which others do not have")
    try:
        published.save_pretrained(folder)
    except OSError as error:
        raise explain_os_error(error, folder) from error
    return published


def push_to_hub(published: PublishedModel, repo_id: str, *, private: bool = False) -> str:
    """Upload a model with its card to the Hugging Face hub; it needs a token (``hf auth login`` or ``HF_TOKEN``).

    Returns:
        The address of the model.

    Raises:
        UserError: the hub refused.
    """
    try:
        commit = published.push_to_hub(repo_id, private=private, commit_message="sentipair publish")
    except (OSError, ValueError, HfHubHTTPError) as error:
        reason = next(iter(str(error).strip().splitlines()), "")
        raise UserError(
            f"cannot upload {repo_id}: {type(error).__name__} {reason}; log in with `hf auth login`"
        ) from error
    return commit.partition("/commit/")[0]
