"""Encoders by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from sentipair.encoders import Encoders
from sentipair.errors import UserError


def test_names() -> None:
    offline = Encoders.resolve("offline")
    assert (offline.text, offline.image) == ("all-MiniLM-L6-v2", "efficientnet-lite0")
    paper = Encoders.resolve("paper", paper="bert-base-uncased+microsoft/resnet-50")
    assert (paper.text, paper.image) == ("bert-base-uncased", "microsoft/resnet-50")
    assert Encoders.resolve("/a/b+efficientnet-lite0").text == "/a/b"
    assert offline.clip is paper.clip is None
    with_clip = Encoders.resolve("/a/b+c/d+clip=openai/clip")
    assert (with_clip.text, with_clip.image, with_clip.clip) == ("/a/b", "c/d", "openai/clip")


@pytest.mark.parametrize("name", ["ofline", "+x", "x+", ""])
def test_other_forms_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"use offline, paper, or TEXT\+IMAGE"):
        Encoders.resolve(name)


def test_paper_encoders_come_from_the_recipe() -> None:
    with pytest.raises(UserError, match="names no paper encoders"):
        Encoders.resolve("paper")


def test_an_encoder_is_loaded_once_per_setting(bert: Path) -> None:
    encoders = Encoders(text=str(bert), engine="torch")
    first = encoders.text_encoder(last=2, max_length=16, pad_to=None)
    assert encoders.text_encoder(last=2, max_length=16, pad_to=None) is first
    assert encoders.text_encoder(last=3, max_length=16, pad_to=None) is not first
    assert encoders.image_encoder is encoders.image_encoder
