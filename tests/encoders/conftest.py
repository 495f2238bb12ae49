"""Tiny networks with random weights, saved as real ones are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch import nn
from transformers import (
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPModel,
    EfficientNetConfig,
    EfficientNetModel,
    PreTrainedTokenizerFast,
    ResNetConfig,
    ResNetModel,
    RobertaConfig,
    RobertaModel,
    ViTConfig,
    ViTModel,
)

WORDS = ["a", "quiet", "day", "by", "the", "sea", "rain", "again", "love", "hate", "##s", "!", "."]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def save(network: nn.Module, folder: Path) -> Path:
    """Save ``network`` with weights that no two parts share, and batch statistics that are not the identity."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.2)
        if isinstance(module, nn.BatchNorm2d | nn.LayerNorm):
            nn.init.uniform_(module.weight, 0.5, 1.5)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.normal_(module.running_mean, std=0.2)
    network.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer = Tokenizer(
        models.WordPiece({word: i for i, word in enumerate([*specials, *WORDS])}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    config = BertConfig(
        vocab_size=len(WORDS) + 4,
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    folder = save(BertModel(config), tmp_path_factory.mktemp("models") / "tiny-bert")
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([" ".join(WORDS)] * 3, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    config = RobertaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=66,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    folder = save(RobertaModel(config), tmp_path_factory.mktemp("models") / "tiny-roberta")
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, cls_token="<s>", sep_token="</s>", pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIP with 3 × 3 patches and room for 12 tokens; padding is <|endoftext|>, as in the real one."""
    start, end = "<|startoftext|>", "<|endoftext|>"
    words = [*(word.removeprefix("##") for word in WORDS), "[UNK]", start, end]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [(word, words.index(word)) for word in (start, end)]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{start} $A {end}", special_tokens=ends)
    sizes = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    text = {
        **sizes,
        "vocab_size": len(words),
        "max_position_embeddings": 12,
        "bos_token_id": words.index(start),
        "eos_token_id": words.index(end),
        "pad_token_id": words.index(end),
    }
    config = CLIPConfig(
        text_config=text, vision_config={**sizes, "image_size": 24, "patch_size": 8}, projection_dim=10
    )
    folder = save(CLIPModel(config), tmp_path_factory.mktemp("models") / "tiny-clip")
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=start, eos_token=end, pad_token=end, unk_token="[UNK]"
    ).save_pretrained(folder)
    preprocessing = {
        "size": 24,
        "crop_size": 24,
        "resample": 3,
        "image_mean": [0.48] * 3,
        "image_std": [0.27] * 3,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessing))
    return folder


@pytest.fixture(scope="session")
def vision(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folder of a tiny ``"resnet"``, ``"efficientnet"`` or ``"vit"``, saved at first use."""
    saved: dict[str, Path] = {}
    makers: dict[str, Callable[[], nn.Module]] = {
        "resnet": lambda: ResNetModel(
            ResNetConfig(
                embedding_size=8, hidden_sizes=[8, 8, 12, 16], depths=[1, 1, 1, 1], layer_type="basic"
            )
        ),
        "efficientnet": lambda: EfficientNetModel(
            EfficientNetConfig(width_coefficient=0.2, depth_coefficient=0.2, image_size=224, hidden_dim=256)
        ),
        "vit": lambda: ViTModel(
            ViTConfig(
                hidden_size=16,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=32,
                patch_size=32,
            )
        ),
    }

    def folder_of(name: str) -> Path:
        if name not in saved:
            saved[name] = save(makers[name](), tmp_path_factory.mktemp("models") / f"tiny-{name}")
        return saved[name]

    return folder_of
