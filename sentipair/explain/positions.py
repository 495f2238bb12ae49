"""Where the words and regions of one post are: in its text, in its picture, and in the tensors that a model reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from sentipair.encoders.preprocessing import Box
from sentipair.features import PairBatch
from sentipair.features.specs import Places
from sentipair.inference import Predictor
from sentipair.inference.encoded import EncodedPosts

UNSPACED = "\u3040-\u30ff\u3400-\u9fff"
"""Kana and Chinese characters, which are written without spaces: one is a word here."""

WORD = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]+")

MOST_WORDS = 128
"""Words of a text that are looked at; more than most encoders read."""

ROWS = 16
"""Changed posts that the model sees at a time, to bound the memory."""

TENSORS = {"words": ("text",), "cells": ("grid", "clip_patches"), "regions": ("regions",)}
"""Name of a kind of place → tensors [B, N, …] with a position for each."""

Span = tuple[int, int]


class Unit(NamedTuple):
    """A word or region: the kind of its place, and its positions in the tensors of that kind."""

    kind: str
    positions: list[int]


def word_spans(text: str) -> list[Span]:
    """First character and last + 1 of the first ``MOST_WORDS`` words."""
    return [match.span() for match in WORD.finditer(text)][:MOST_WORDS]


def places_of(posts: EncodedPosts) -> Places:
    """Where the positions of the first post's tensors lie in it."""
    found: dict[str, Sequence[tuple[float, ...]]] = {}
    for (spec, source), records in zip(posts.encoder.columns, posts.records, strict=True):
        found |= spec.locate(posts.pairs[0], records[0], source)
    return found


def units_of(text: str, places: Places) -> tuple[list[Unit], list[tuple[Box, Unit]]]:
    """A unit per word of ``text``, and the units of the picture with their corners."""
    tokens = places.get("words", ())
    words = [
        Unit("words", [i for i, (first, last) in enumerate(tokens) if first < end and start < last])
        for start, end in word_spans(text)
    ]
    regions = [
        ((x0, y0, x1, y1), Unit(kind, [i]))
        for kind in ("cells", "regions")
        for i, (x0, y0, x1, y1) in enumerate(places.get(kind, ()))
    ]
    return words, regions


def repeated(batch: PairBatch, times: int) -> dict[str, Tensor]:
    """The features of a batch of one post, ``times`` over; masks may be written to."""
    return {
        name: value.expand(times, *value.shape[1:]).clone()
        if value.dtype == torch.bool
        else value.expand(times, *value.shape[1:])
        for name, value in batch.features.items()
    }


def batch_of(features: dict[str, Tensor]) -> PairBatch:
    """Features [B, …] as a batch of posts without names and labels."""
    count = len(next(iter(features.values())))
    return PairBatch(ids=("",) * count, labels=torch.full((count,), -1), features=features)


def probability(predictor: Predictor, batch: PairBatch, target: str) -> Tensor:
    """The calibrated probability of ``target`` [B]."""
    logits: Tensor = predictor.model(batch).logits
    return (logits / predictor.config.temperature).softmax(-1)[:, predictor.config.classes.index(target)]


def rows_at_once(predictor: Predictor) -> int:
    """How many posts the model may see together; one where it compares the posts of a batch."""
    return 1 if predictor.config.settings.get("fidelity") == "published" else ROWS


def pieces(count: int, size: int) -> Iterator[range]:
    """``range(count)`` in pieces of at most ``size``."""
    return (range(start, min(start + size, count)) for start in range(0, count, size))
