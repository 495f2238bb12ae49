"""Handing a trained model on: a folder of weights, configuration and card, and the Hugging Face hub.

``PyTorchModelHubMixin`` keeps a module's constructor arguments in a ``config.json`` of its own form. Ours says more
(classes, encoders, text steps, temperature, plug-ins) and is the same file for a run, a folder and the hub; therefore
plain files.
"""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from sentipair.errors import UserError
from sentipair.files import atomic_write, write_text
from sentipair.inference.pretrained import best_seed
from sentipair.models.persistence import CONFIG, WEIGHTS, load_model, save_config
from sentipair.progress import say
from sentipair.reporting.card import model_card

CARD = "README.md"


def publish(run: Path, folder: Path) -> None:
    """Write ``config.json``, ``model.safetensors`` and the model card of a finished run into ``folder``.

    Args:
        run: a run folder; of several seeds the one with the best validation accuracy is taken.
        folder: is made where it is not there.

    Raises:
        UserError: the run is not finished or damaged, or the folder cannot be written to.
    """
    source = best_seed(Path(run))
    card = model_card(source)
    _, config = load_model(source)
    for kind, name in config.encoders.items():
        if Path(name).expanduser().is_dir():
            say(f"warning: the {kind} encoder is the folder {name}, which others do not have")
    save_config(folder, config)
    with atomic_write(folder / WEIGHTS) as file:
        file.write((source / WEIGHTS).read_bytes())
    write_text(folder / CARD, card)


def push_to_hub(folder: Path, repo_id: str, *, private: bool = False) -> str:
    """Upload what ``publish`` wrote to the Hugging Face hub; it needs a token (``hf auth login`` or ``HF_TOKEN``).

    Returns:
        The address of the model.

    Raises:
        UserError: files are missing, or the hub refused.
    """
    lacking = [name for name in (CONFIG, WEIGHTS, CARD) if not (Path(folder) / name).is_file()]
    if lacking:
        raise UserError(
            f"{folder} lacks {', '.join(lacking)}; write it with `sentipair publish RUN {folder}`"
        )
    hub = HfApi()
    try:
        address = str(hub.create_repo(repo_id, private=private, exist_ok=True))
        hub.upload_folder(
            repo_id=repo_id,
            folder_path=folder,
            allow_patterns=[CONFIG, WEIGHTS, CARD],
            commit_message="sentipair publish",
        )
    except (OSError, ValueError, HfHubHTTPError) as error:
        reason = next(iter(str(error).strip().splitlines()), "")
        raise UserError(
            f"cannot upload {repo_id}: {type(error).__name__} {reason}; log in with `hf auth login`"
        ) from error
    return address
