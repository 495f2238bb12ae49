"""Predictions: what they say, in every form that posts have, alone and among others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from sentipair.data import Pair, load_dataset
from sentipair.errors import UserError
from sentipair.experiments.run import run_seeds
from sentipair.features import FeatureStore, PairBatch
from sentipair.inference import Predictor
from sentipair.models import PairOutput
from sentipair.training.recipes import configure


@pytest.fixture(scope="module")
def predictor(finished_run: Path) -> Predictor:
    return Predictor.from_pretrained(finished_run / "seed-0", engine="torch")


@pytest.fixture(scope="module")
def test_posts(sample_posts: Path) -> list[Pair]:
    return list(load_dataset(sample_posts).split("test"))


def test_predictions_are_those_of_the_run(
    predictor: Predictor, finished_run: Path, test_posts: list[Pair]
) -> None:
    rows = pq.read_table(finished_run / "seed-0" / "predictions-test.parquet").to_pylist()
    for row, prediction in zip(rows, predictor.predict(test_posts), strict=True):
        assert prediction.label == row["prediction"]
        raw = {
            name: row[f"p({name})"] ** (1 / predictor.config.temperature) for name in prediction.probabilities
        }
        for name, probability in prediction.probabilities.items():
            assert probability == pytest.approx(raw[name] / sum(raw.values()), abs=5e-3)
        assert prediction.unusable is prediction.truncated is None


def test_a_prediction_does_not_depend_on_its_neighbours(predictor: Predictor, test_posts: list[Pair]) -> None:
    together = predictor.predict(test_posts)
    for pair, expected in zip(test_posts[:4], together, strict=False):
        alone = predictor(image=pair.image, text=pair.text)
        assert alone.label == expected.label
        assert alone.probabilities == pytest.approx(expected.probabilities, abs=5e-3)


def test_one_of_both_is_enough(predictor: Predictor, test_posts: list[Pair]) -> None:
    pair = test_posts[0]
    assert pair.image is not None
    both = predictor(image=str(pair.image), text=pair.text)
    text, image = predictor(text=pair.text), predictor(image=pair.image)
    assert sum(both.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert both.probabilities != text.probabilities != image.probabilities
    assert text.unusable is None


def test_neither_is_an_error(predictor: Predictor, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a picture, a text, or both"):
        predictor(text="  ")
    with pytest.raises(UserError, match="no picture at"):
        predictor(image=tmp_path / "absent.jpg", text="x")
    with pytest.raises(UserError, match="no picture at"):
        predictor(image=tmp_path, text="x")


def test_an_unreadable_picture_is_told(predictor: Predictor, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"nothing")
    prediction = predictor(image=broken, text="what a day")
    assert prediction.unusable == "not a picture"
    assert prediction.probabilities == pytest.approx(predictor(text="what a day").probabilities, abs=1e-6)
    with pytest.raises(UserError, match=r"cannot be used \(not a picture\) and there is no text"):
        predictor(image=broken)


def test_a_text_that_is_too_long_is_told(predictor: Predictor) -> None:
    prediction = predictor(text="good " * 20_000)
    assert prediction.truncated is not None
    assert "the first 128 are used" in prediction.truncated


def test_texts_are_normalised_as_in_training(predictor: Predictor) -> None:
    assert predictor(text="a \t  good\n day ").probabilities == predictor(text="a good day").probabilities


def test_nothing_gives_nothing(predictor: Predictor) -> None:
    assert predictor.predict([]) == []


def test_the_temperature_of_the_run_travels_with_the_model(finished_run: Path, predictor: Predictor) -> None:
    result = json.loads((finished_run / "seed-0" / "result.json").read_text(encoding="utf-8"))
    assert predictor.config.temperature == result["temperature"] != 1
    cold = Predictor(predictor.model, replace(predictor.config, temperature=1e-3), engine="torch")
    post = cold(text="what a wonderful day")
    assert post.label == predictor(text="what a wonderful day").label
    assert post.confidence == post.probabilities[str(post.label)] > 0.99


def forms_of(path: Path) -> dict[str, Any]:
    image = Image.open(path)
    image.load()
    return {
        "string": str(path),
        "path": path,
        "bytes": path.read_bytes(),
        "picture": image,
        "array": np.asarray(image.convert("RGB")),
    }


def test_every_form_of_a_picture_gives_the_same(predictor: Predictor, test_posts: list[Pair]) -> None:
    path = test_posts[0].image
    assert path is not None
    expected = predictor(image=path, text="fine")
    assert expected.image is not None
    for image in forms_of(path).values():
        found = predictor(image=image, text="fine")
        assert (found.label, found.conflict) == (expected.label, expected.conflict)
        assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-6)


def test_unusable_pictures_have_the_same_words_in_every_form(predictor: Predictor, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"nothing")
    assert predictor(image=b"nothing", text="x").unusable == predictor(image=broken, text="x").unusable
    assert predictor(image=b"", text="x").unusable == "not a picture"
    assert predictor(image=Image.new("RGB", (0, 4)), text="x").unusable == "no pixels"
    with pytest.raises(UserError, match=r"the picture given cannot be used \(not a picture\)"):
        predictor(image=b"nothing")


def test_opinions_are_those_of_one_modality(predictor: Predictor, test_posts: list[Pair]) -> None:
    pair = test_posts[0]
    both = predictor(image=pair.image, text=pair.text)
    text, image = predictor(text=pair.text), predictor(image=pair.image)
    assert both.text is not None
    assert both.image is not None
    # this model has no scores of its own per modality: the other one is withheld
    assert both.text.probabilities == pytest.approx(text.probabilities, abs=1e-5)
    assert both.image.probabilities == pytest.approx(image.probabilities, abs=1e-5)
    assert (text.image, image.text) == (None, None)
    assert text.text is not None
    assert not text.conflict
    assert text.sentence is None


def test_a_models_own_scores_per_modality_are_its_opinions(
    predictor: Predictor, test_posts: list[Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, classes = predictor.model, predictor.config.classes

    def forward(batch: PairBatch) -> PairOutput:
        count = len(batch)
        text, image = torch.tensor([[9.0, 0, 0]] * count), torch.tensor([[0, 0, 9.0]] * count)
        return PairOutput(logits=text + image, unimodal={"text": text, "image": image})

    monkeypatch.setattr(model, "forward", forward)
    found = predictor(test_posts[:1])[0]
    assert found.text is not None
    assert found.image is not None
    assert (found.text.label, found.image.label, found.conflict) == (classes[0], classes[2], True)
    assert found.sentence == (
        f"Text and picture disagree: the text alone says {classes[0]}, the picture {classes[2]}."
    )


def test_below_the_threshold_there_is_no_label(predictor: Predictor) -> None:
    sure = predictor(text="what a wonderful day")
    for threshold, abstained in ((0.0, False), (sure.confidence, False), (1.0, True)):
        choosy = Predictor(predictor.model, predictor.config, engine="torch", threshold=threshold)
        found = choosy(text="what a wonderful day")
        assert (found.abstained, found.label is None) == (abstained, abstained)
        assert found.probabilities == pytest.approx(sure.probabilities, abs=1e-6)
    with pytest.raises(UserError, match="between 0 and 1"):
        Predictor(predictor.model, predictor.config, threshold=1.5)


class Frame:
    """What is asked of a data frame."""

    columns = ("image", "text")

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def to_dict(self, orient: str) -> list[dict[str, Any]]:
        assert orient == "records"
        return self.rows


def test_lists_frames_and_iterators_give_the_same(
    predictor: Predictor, test_posts: list[Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentipair.inference.base.CHUNK", 2)
    rows = [{"image": pair.image, "text": pair.text} for pair in test_posts[:5]]
    expected = [prediction.label for prediction in predictor.predict(test_posts[:5])]
    assert [prediction.label for prediction in predictor(rows)] == expected
    assert [prediction.label for prediction in predictor(test_posts[:5])] == expected
    assert [prediction.label for prediction in predictor(Frame(rows))] == expected
    taken = []

    def posts() -> Iterator[dict[str, Any]]:
        for row in rows:
            taken.append(row)
            yield row

    found = predictor(posts())
    assert next(found).label == expected[0]
    assert len(taken) == 2
    assert [prediction.label for prediction in found] == expected[1:]


def test_a_post_that_cannot_be_used_does_not_end_a_list(predictor: Predictor) -> None:
    fine, absent, empty = predictor([{"text": "fine"}, {"image": "absent.jpg", "text": ""}, {"text": None}])
    assert fine.label
    assert (absent.label, absent.abstained, absent.unusable) == (None, True, "no such file")
    assert (empty.label, empty.abstained) == (None, True)
    assert empty.unusable == "neither a text nor a picture"
    rows = [{"text": "fine"}, {"title": "x"}, {"text": 5}, {"text": "fine"}]
    usable, *wrong, also = predictor(iter(rows))
    assert usable.label == also.label is not None
    for prediction, problem in zip(wrong, ("not a Pair", "not a string: 5"), strict=True):
        assert prediction.label is None
        assert problem in prediction.unusable


def test_one_modality_alone_is_the_answer(predictor: Predictor, test_posts: list[Pair]) -> None:
    for said in (predictor(text="what a day"), predictor(image=test_posts[0].image, text=None)):
        [opinion] = [opinion for opinion in (said.text, said.image) if opinion]
        assert (said.label, said.probabilities) == (opinion.label, opinion.probabilities)
        assert said.confidence == max(opinion.probabilities.values())


def test_what_occurs_twice_is_encoded_once(
    predictor: Predictor, test_posts: list[Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for _, source in predictor.encode.columns:
        encode = source.encode
        monkeypatch.setattr(
            source, "encode", lambda pairs, encode=encode: counts.append(len(pairs)) or encode(pairs)
        )
    first, second = predictor([test_posts[0]] * 2)
    assert first == second
    assert max(counts) == 1


def test_a_published_model_sees_one_post_at_a_time(predictor: Predictor, test_posts: list[Pair]) -> None:
    settings = {**predictor.config.settings, "fidelity": "published"}
    config = replace(predictor.config, settings=settings)
    torch.manual_seed(0)
    published = Predictor(config.build().eval(), config, engine="torch")
    together = published.predict(test_posts[:3])
    for pair, expected in zip(test_posts[:3], together, strict=True):
        assert published.predict([pair]) == [expected]


def test_a_prediction_is_plain_values(predictor: Predictor) -> None:
    values = predictor(text="what a day").to_dict()
    assert json.loads(json.dumps(values)) == values
    assert set(values) == {
        *("label", "probabilities", "confidence", "text", "image"),
        *("conflict", "abstained", "unusable", "truncated"),
    }
    assert set(values["text"]) == {"label", "probabilities"}


def test_a_damaged_model_is_one_line(finished_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished_run / "seed-0", tmp_path / "seed-0"))
    (folder / "model.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(UserError, match="damaged"):
        Predictor.from_pretrained(folder)


@pytest.fixture(scope="module")
def with_lexicon(sample_posts: Path, feature_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a model that read the lexicon's rationales."""
    output = tmp_path_factory.mktemp("lexicon")
    wishes = ["plugins.rationales=true", "data.rationales=lexicon", "training.epochs=2"]
    config = configure("logistic-regression", str(sample_posts), engine="torch", overrides=wishes)
    run_seeds(config, [0], output, store=FeatureStore(feature_folder))
    return output / "seed-0"


def test_new_posts_get_rationales_as_in_training(
    with_lexicon: Path, test_posts: list[Pair], capsys: pytest.CaptureFixture[str]
) -> None:
    found = Predictor.from_pretrained(with_lexicon, engine="torch")
    predictor = Predictor(found.model, replace(found.config, temperature=1.0), engine="torch")
    name = predictor.config.classes[0]
    rows = pq.read_table(with_lexicon / "predictions-test.parquet").to_pylist()
    expected = pytest.approx([row[f"p({name})"] for row in rows], abs=5e-3)
    assert [found.probabilities[name] for found in predictor.predict(test_posts)] == expected
    assert "rationales" not in capsys.readouterr().err
    without = Predictor(predictor.model, replace(predictor.config, rationales=None), engine="torch")
    assert "learned with rationales from a table" in " ".join(capsys.readouterr().err.split())
    assert [found.probabilities[name] for found in without.predict(test_posts)] != expected


def test_what_is_cut_is_told_of_the_text_and_not_of_a_rationale(with_lexicon: Path) -> None:
    predictor = Predictor.from_pretrained(with_lexicon, engine="torch")
    predictor.config = replace(predictor.config, rationales=None)
    rationales = {"positive": "sunny " * 400}
    short, long = predictor.predict(
        [Pair(id="a", text="sunny", rationales=rationales), Pair(id="b", text="sunny " * 200)]
    )
    assert short.truncated is None
    assert long.truncated == "202 tokens, the first 128 are used"
