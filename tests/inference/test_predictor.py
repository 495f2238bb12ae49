"""Single posts, and the choice of the seed."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sentipair.data import Pair, load_dataset
from sentipair.errors import UserError
from sentipair.experiments.run import run_seeds
from sentipair.features import FeatureStore
from sentipair.inference import Predictor
from sentipair.inference.predictor import best_seed
from sentipair.training.recipes import configure


@pytest.fixture(scope="module")
def predictor(finished_run: Path) -> Predictor:
    return Predictor.from_run(finished_run / "seed-0", engine="torch")


@pytest.fixture(scope="module")
def test_posts(sample_posts: Path) -> list[Pair]:
    return list(load_dataset(sample_posts).split("test"))


def test_predictions_are_those_of_the_run(
    predictor: Predictor, finished_run: Path, test_posts: list[Pair]
) -> None:
    rows = pq.read_table(finished_run / "seed-0" / "predictions-test.parquet").to_pylist()
    for row, prediction in zip(rows, predictor.score(test_posts), strict=True):
        assert prediction.label == row["prediction"]
        for name, probability in prediction.probabilities.items():
            assert probability == pytest.approx(row[f"p({name})"], abs=5e-3)
        assert prediction.unusable is prediction.truncated is None


def test_a_prediction_does_not_depend_on_its_neighbours(predictor: Predictor, test_posts: list[Pair]) -> None:
    together = predictor.score(test_posts)
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
    assert predictor.score([]) == []


def write_result(folder: Path, accuracy: float) -> None:
    folder.mkdir(parents=True)
    splits = {"validation": {"metrics": {"accuracy": accuracy}}}
    (folder / "result.json").write_text(json.dumps({"splits": splits}), encoding="utf-8")


def test_the_best_seed_on_validation_is_taken(tmp_path: Path) -> None:
    for seed, accuracy in ((0, 0.5), (2, 0.7), (10, 0.7), (11, 0.6)):
        write_result(tmp_path / f"seed-{seed}", accuracy)
    assert best_seed(tmp_path) == tmp_path / "seed-2"
    with pytest.raises(UserError, match="no trained model"):
        best_seed(tmp_path / "nowhere")


def test_a_damaged_model_is_one_line(finished_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished_run / "seed-0", tmp_path / "seed-0"))
    (folder / "model.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(UserError, match="damaged"):
        Predictor.from_run(folder)


@pytest.fixture(scope="module")
def with_lexicon(sample_posts: Path, feature_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a model that read the lexicon's rationales."""
    output = tmp_path_factory.mktemp("lexicon")
    wishes = ["plugins.rationales=true", "data.rationales=lexicon", "training.epochs=2"]
    config = configure("logistic-regression", str(sample_posts), engine="torch", overrides=wishes)
    run_seeds(config, [0], output, store=FeatureStore(feature_folder))
    return output / "seed-0"


def test_new_posts_get_rationales_as_in_training(with_lexicon: Path, test_posts: list[Pair]) -> None:
    predictor = Predictor.from_run(with_lexicon, engine="torch")
    name = predictor.config.classes[0]
    rows = pq.read_table(with_lexicon / "predictions-test.parquet").to_pylist()
    expected = pytest.approx([row[f"p({name})"] for row in rows], abs=5e-3)
    assert [found.probabilities[name] for found in predictor.score(test_posts)] == expected
    without = Predictor(predictor.model, replace(predictor.config, rationales=None), engine="torch")
    assert [found.probabilities[name] for found in without.score(test_posts)] != expected


def test_what_is_cut_is_told_of_the_text_and_not_of_a_rationale(with_lexicon: Path) -> None:
    predictor = Predictor.from_run(with_lexicon, engine="torch")
    predictor.config = replace(predictor.config, rationales=None)
    rationales = {"positive": "sunny " * 400}
    short, long = predictor.score(
        [Pair(id="a", text="sunny", rationales=rationales), Pair(id="b", text="sunny " * 200)]
    )
    assert short.truncated is None
    assert long.truncated == "202 tokens, the first 128 are used"
