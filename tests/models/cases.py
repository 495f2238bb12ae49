"""What every model must do, as one abstract test case, and the random batches it runs on.

A new model costs three lines::

    class TestITIN(ModelCase):
        model = ITIN
        variants = ({}, {"fidelity": "published"})
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from sentipair.features import (
    CLIPImage,
    CLIPText,
    ImageGrid,
    ImageVector,
    PairBatch,
    Regions,
    TextLayers,
)
from sentipair.models import PairModel, PairOutput, model_class, settings_of
from sentipair.models.persistence import ModelConfig, load_model, save_config, save_weights
from sentipair.objectives import CrossEntropy
from sentipair.settings import validate_settings

SIZES = {"classes": 3, "text_dim": 12, "image_dim": 10}
ALL_SIZES = {**SIZES, "region_dim": 14, "clip_dim": 16}
"""With those that few models have."""

CELLS = 9


def small_config(name: str, **more: Any) -> ModelConfig:
    """The configuration of a registered model in these sizes."""
    known = settings_of(model_class(name))
    return ModelConfig(
        model=name,
        settings={key: value for key, value in ALL_SIZES.items() if key in known},
        classes=("a", "b", "c"),
        encoders={"text": "t", "image": "i"},
        text_steps=(),
        **more,
    )


def random_batch(model: PairModel, *, pairs: int = 8, seed: int = 0) -> PairBatch:
    """A batch with everything ``model`` requires; behind every mask there are numbers too.

    Pair 1 has no text, pair 2 no picture, pair 3 neither; text lengths differ.
    """
    torch.manual_seed(seed)
    features: dict[str, Tensor] = {}
    has_text, has_image = torch.ones(pairs, dtype=torch.bool), torch.ones(pairs, dtype=torch.bool)
    has_text[[1, 3][: max(pairs - 1, 0)]] = False
    has_image[[2, 3][: max(pairs - 2, 0)]] = False
    for spec in model.requires:
        if isinstance(spec, TextLayers):
            longest = spec.pad_to - 2 if spec.pad_to else 11
            lengths = (
                torch.full((pairs,), longest) if spec.pad_to else torch.randint(1, 11, (pairs,)) * has_text
            )
            features[spec.of] = torch.randn(pairs, longest, spec.last, SIZES["text_dim"]).half()
            features[f"{spec.of}_mask"] = torch.arange(longest) < lengths.unsqueeze(1)
            features[f"{spec.of}_cls"] = torch.randn(pairs, spec.last, SIZES["text_dim"])
        elif isinstance(spec, ImageGrid):
            features["grid"] = torch.randn(pairs, CELLS, SIZES["image_dim"]).half()
            features["grid_mask"] = has_image.unsqueeze(1).expand(pairs, CELLS).clone()
        elif isinstance(spec, ImageVector):
            features["image"] = torch.randn(pairs, SIZES["image_dim"]) * has_image.unsqueeze(1)
            features["image_present"] = has_image
        elif isinstance(spec, Regions):
            counts = torch.randint(1, spec.count + 1, (pairs,)) * has_image
            features["regions"] = torch.randn(pairs, spec.count, ALL_SIZES["region_dim"]).half()
            features["regions_mask"] = torch.arange(spec.count) < counts.unsqueeze(1)
            features["region_boxes"] = torch.rand(pairs, spec.count, 4)
        elif isinstance(spec, CLIPText):
            features["clip_text"] = normalize(torch.randn(pairs, ALL_SIZES["clip_dim"]))
        elif isinstance(spec, CLIPImage):
            features["clip_image"] = normalize(
                torch.randn(pairs, ALL_SIZES["clip_dim"])
            ) * has_image.unsqueeze(1)
            features["clip_image_present"] = has_image
            if spec.patches:
                features["clip_patches"] = normalize(
                    torch.randn(pairs, CELLS, ALL_SIZES["clip_dim"]), dim=-1
                ).half()
                features["clip_patches_mask"] = has_image.unsqueeze(1).expand(pairs, CELLS).clone()
        else:
            raise NotImplementedError(f"random features for {spec}")
    labels = torch.arange(pairs) % SIZES["classes"]
    return PairBatch(ids=tuple(map(str, range(pairs))), labels=labels, features=features)


def scaled(states: Tensor) -> Tensor:
    """States […, d] with mean 0 and deviation 1 each, by hand, in single precision."""
    centred = states.float() - states.float().mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()


def take(batch: PairBatch, rows: Sequence[int]) -> PairBatch:
    """The pairs at ``rows``, in that order."""
    index = list(rows)
    features = {name: value[index] for name, value in batch.features.items()}
    return PairBatch(ids=tuple(batch.ids[i] for i in index), labels=batch.labels[index], features=features)


def other_numbers_behind_masks(batch: PairBatch) -> PairBatch:
    """The same pairs with other numbers where a mask is false."""
    features = dict(batch.features)
    for name in [name.removesuffix("_mask") for name in features if name.endswith("_mask")]:
        features[name] = features[name].clone()
        features[name][~features[f"{name}_mask"]] = 1000.0
    return replace(batch, features=features, _rows={})


def tensors(output: PairOutput) -> dict[str, Tensor]:
    """The tensors of an output by name, without the attention."""
    named = {name: getattr(output, name) for name in ("logits", "image", "text", "fused")}
    return {name: value for name, value in named.items() if value is not None}


class ModelCase:
    """Subclass and name the model; ``variants`` are the settings under which every test runs.

    ``objective`` is for models with parts that learn from their own cross-entropy only.
    """

    model: ClassVar[type[PairModel]]
    variants: ClassVar[Sequence[Mapping[str, Any]]] = ({},)
    objective: ClassVar[CrossEntropy] = CrossEntropy()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run each test under every variant; what asks for ``sound`` under the sound ones only."""
        if "variant" in metafunc.fixturenames:
            metafunc.parametrize("variant", self.variants, ids=str)
        if "sound" in metafunc.fixturenames:
            sound = [variant for variant in self.variants if variant.get("fidelity") != "published"]
            metafunc.parametrize("sound", sound, ids=str)

    def build(self, variant: Mapping[str, Any], *, seed: int = 0, **settings: Any) -> PairModel:
        """A small model with the initial weights of ``seed``."""
        torch.manual_seed(seed)
        known = settings_of(self.model)
        sizes = {name: size for name, size in ALL_SIZES.items() if name in known}
        return self.model(**{**sizes, **variant, **settings})

    def test_says_what_it_is_and_whom_to_cite(self) -> None:
        assert self.model.name
        assert self.model.title
        assert re.search(r"\b(19|20)\d\d\b", self.model.citation), "a citation has a year"
        assert re.search(r"doi:|arXiv:|https://", self.model.citation), "a citation can be looked up"

    def test_settings_are_typed_and_have_defaults(self) -> None:
        defaults = validate_settings(self.model, {}, "model")
        assert defaults.keys() == settings_of(self.model).keys()
        assert defaults.get("fidelity", "sound") == "sound"

    def test_shapes(self, variant: Mapping[str, Any]) -> None:
        model = self.build(variant, classes=5).eval()
        output = model(random_batch(model))
        assert output.logits.shape == (8, 5)
        for name, value in tensors(output).items():
            assert len(value) == 8, name
            assert value.ndim == 2, name
            assert value.isfinite().all(), name
        if output.text is not None and output.image is not None:
            assert output.text.shape == output.image.shape
        for name, weights in (output.attention or {}).items():
            assert len(weights) == 8, name
            assert ((weights >= 0) & (weights <= 1)).all(), name

    def test_two_passes_agree(self, variant: Mapping[str, Any]) -> None:
        model = self.build(variant).eval()
        batch = random_batch(model)
        assert torch.equal(model(batch).logits, model(batch).logits)

    def test_embeds_as_it_classifies(self, variant: Mapping[str, Any]) -> None:
        model = self.build(variant).eval()
        batch = random_batch(model)
        output, embeddings = model(batch), model.embed(batch)
        for there, embedding in zip((output.text, output.image), embeddings, strict=True):
            assert (embedding is None) == (there is None)
            assert there is None or torch.equal(embedding, there)

    def test_a_prediction_belongs_to_its_pair(self, sound: Mapping[str, Any]) -> None:
        model = self.build(sound).eval()
        for parameter in model.parameters():
            parameter.data *= 4  # attention of fresh weights is so even that a forgotten mask hardly shows
        batch = random_batch(model)
        backwards = list(reversed(range(len(batch))))
        usual = tensors(model(batch))
        alone = [tensors(model(take(batch, [i]))) for i in range(len(batch))]
        reversed_ = tensors(model(take(batch, backwards)))
        padded, refilled = (
            tensors(model(changed)) for changed in (batch.padded(50), other_numbers_behind_masks(batch))
        )
        close = partial(torch.testing.assert_close, rtol=1e-4, atol=1e-4)
        for name, expected in usual.items():
            close(torch.cat([each[name] for each in alone]), expected)
            close(reversed_[name][backwards], expected)
            close(padded[name], expected)
            close(refilled[name], expected)

    def test_every_parameter_learns(self, variant: Mapping[str, Any]) -> None:
        largest: dict[str, float] = defaultdict(float)
        for seed in range(4):  # of the initial weights: with some, a small ReLU is dead from the start
            model = self.build(variant, seed=seed)
            batch = random_batch(model, seed=seed)
            sum(self.objective.terms(model(batch), batch.labels).values(), torch.zeros(())).backward()
            for name, parameter in model.named_parameters():
                assert parameter.grad is not None, name
                assert parameter.grad.isfinite().all(), name
                largest[name] = max(largest[name], parameter.grad.abs().max().item())
        assert [name for name, value in largest.items() if value == 0] == []

    def test_learns_a_batch_by_heart(self, variant: Mapping[str, Any]) -> None:
        no_dropout = {"dropout": 0.0} if "dropout" in settings_of(self.model) else {}
        model = self.build(variant, **no_dropout)
        batch = take(random_batch(model), [0, 4, 5, 6, 7])  # those with text and picture
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
        losses = [self.objective.step(model, batch, optimizer)["loss"] for _ in range(25)]
        assert losses[-1] < 0.2 * losses[0]

    def test_one_pair(self, sound: Mapping[str, Any]) -> None:
        model = self.build(sound)
        for row in range(4):
            one = take(random_batch(model), [row])
            for output in (model.train()(one), model.eval()(one)):
                assert output.logits.isfinite().all()
                model.zero_grad()
                output.logits.sum().backward()
                assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in model.parameters())

    def test_saved_and_loaded_is_the_same(self, variant: Mapping[str, Any], tmp_path: Any) -> None:
        model = self.build(variant)
        batch = random_batch(model)
        model.train()(batch)  # running statistics belong to the state
        sizes = {name: size for name, size in ALL_SIZES.items() if name in settings_of(self.model)}
        config = ModelConfig(
            model=self.model.name,
            settings={**sizes, **variant},
            classes=("a", "b", "c"),
            encoders={"text": "t", "image": "i"},
            text_steps=("blanks",),
        )
        save_config(tmp_path, config)
        save_weights(tmp_path, model)
        loaded, found = load_model(tmp_path)
        assert found == config
        assert not loaded.training
        assert torch.equal(loaded(batch).logits, model.eval()(batch).logits)


def gradients_and_memory(model: nn.Module, compute: Callable[[], Tensor]) -> tuple[list[Tensor], int]:
    """Of the parameters that ``compute`` uses, always under the same dropout; and the bytes that autograd keeps."""
    sizes: dict[int, int] = {}
    kept = []

    def note(tensor: Tensor) -> Tensor:
        kept.append(tensor)  # so that no other tensor takes its place
        sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    model.zero_grad()
    torch.manual_seed(1)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        output = compute()
        so_far = sum(sizes.values())
    output.square().sum().backward()
    return [each.grad.clone() for each in model.parameters() if each.grad is not None], so_far
