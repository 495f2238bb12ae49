"""The predictor without PyTorch: the answers of the one with it, over every way in."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sentipair.data import Pair, load_dataset
from sentipair.errors import UserError
from sentipair.export.graph import convert_to_openvino
from sentipair.inference import Prediction, Predictor
from sentipair.models import PairModel
from sentipair.portable import Predictor as PortablePredictor
from sentipair.portable.folder import write_config

TOLERANCE = 1e-3

BLOCKED = (
    "torch",
    "transformers",
    "safetensors",
    "huggingface_hub",
    "pyarrow",
    "sklearn",
    "scipy",
    "yaml",
    "pydantic",
    "typer",
    "rich",
    "matplotlib",
    "jinja2",
    "httpx2",
    "vaderSentiment",
    "openvino",
    "pandas",
)


@pytest.fixture(scope="module")
def portable(exported_model: Path) -> PortablePredictor:
    return PortablePredictor(exported_model)


@pytest.fixture(scope="module")
def original() -> Predictor:
    return Predictor.from_pretrained(engine="torch")


def assert_same(found: Sequence[Prediction], expected: Sequence[Prediction]) -> None:
    """The same statements, every probability within the tolerance; a tie may go either way."""
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=TOLERANCE)
        for mine, theirs in ((one.text, other.text), (one.image, other.image)):
            assert (mine is None) == (theirs is None)
            if mine and theirs:
                assert mine.probabilities == pytest.approx(theirs.probabilities, abs=TOLERANCE)
        kept = ("abstained", "unusable", "truncated")
        assert [getattr(one, name) for name in kept] == [getattr(other, name) for name in kept]


def awkward_posts(folder: Path, pictures: Sequence[Path]) -> list[Pair]:
    (folder / "broken.jpg").write_bytes(b"nothing")
    Image.new("RGBA", (1, 900), (255, 0, 0, 40)).save(folder / "thin.png")
    texts = ("", "  \n", "what a day", "great " * 300, "😀 #blessed @you http://x.y", "ümläut 漢字")
    images = (None, pictures[0], folder / "broken.jpg", folder / "absent.jpg", folder / "thin.png")
    return [
        Pair(id=f"{i}-{j}", text=text, image=image)
        for i, text in enumerate(texts)
        for j, image in enumerate(images)
    ]


def test_it_says_what_pytorch_says(
    portable: PortablePredictor, original: Predictor, sample_posts: Path, tmp_path: Path
) -> None:
    pictures = sorted((sample_posts / "images").iterdir())
    posts = awkward_posts(tmp_path, pictures)
    posts += [Pair(id=path.stem, text=f"post number {i}", image=path) for i, path in enumerate(pictures[:10])]
    expected = original.predict(posts)
    assert {each.unusable for each in expected} == {None, "not a picture", "no such file"}
    assert {each.truncated for each in expected} == {None, "302 tokens, the first 128 are used"}
    assert_same(portable.predict(posts), expected)


def test_openvino_says_the_same(
    exported_model: Path, portable: PortablePredictor, sample_posts: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(exported_model, tmp_path / "openvino"))
    for path in folder.glob("*.onnx"):
        convert_to_openvino(path)
    write_config(folder, replace(portable.config, format="openvino"))
    posts = awkward_posts(tmp_path, sorted((sample_posts / "images").iterdir()))[10:14]
    assert_same(PortablePredictor(folder).predict(posts), portable.predict(posts))


@pytest.mark.slow
def test_it_says_what_pytorch_says_of_real_posts(
    portable: PortablePredictor, original: Predictor, shared_data: Path
) -> None:
    dataset = load_dataset("mvsa-single", root=shared_data / "mvsa-single")
    posts = list(dataset.split("test"))[:50]
    found = portable.predict(posts)
    assert_same(found, original.predict(posts))
    assert len({each.label for each in found}) > 1


def test_a_prediction_depends_on_its_post_alone(portable: PortablePredictor, sample_posts: Path) -> None:
    picture = sorted((sample_posts / "images").iterdir())[0]
    post = Pair(id="a", text="what a day", image=picture)
    others = [Pair(id=str(i), text="so long " * i, image=None) for i in range(20)]
    alone, among = portable.predict([post])[0], portable.predict([*others, post])[-1]
    assert among.probabilities == pytest.approx(alone.probabilities, abs=1e-5)


def test_every_way_in(portable: PortablePredictor, sample_posts: Path) -> None:
    path = sorted((sample_posts / "images").iterdir())[0]
    with Image.open(path) as opened:
        pixels = np.asarray(opened.convert("RGB"))
    expected = portable(image=path, text="what a day")
    for image in (str(path), path.read_bytes(), Image.fromarray(pixels), pixels):
        assert portable(image=image, text="what a day").probabilities == pytest.approx(
            expected.probabilities, abs=1e-5
        )
    rows = [{"image": path, "text": "what a day"}, {"text": "x"}]
    assert [len(portable(rows)), len(list(portable(iter(rows))))] == [2, 2]
    assert portable.predict([]) == []
    with pytest.raises(UserError, match="give a picture, a text, or both"):
        portable(text=" ")


def test_below_the_threshold_there_is_no_answer(exported_model: Path) -> None:
    found = PortablePredictor(exported_model, threshold=1.0)(text="what a day")
    assert (found.label, found.abstained) == (None, True)
    with pytest.raises(UserError, match="between 0 and 1"):
        PortablePredictor(exported_model, threshold=1.5)


class WithoutOpinions(PairModel):
    """The model without logits of text and picture of its own."""

    def __init__(self, model: PairModel) -> None:
        super().__init__()
        self.model = model

    @property
    def requires(self) -> Any:
        return self.model.requires

    def forward(self, batch: Any) -> Any:
        return replace(self.model(batch), unimodal=None)


def test_without_opinions_of_its_own_the_other_modality_is_withheld(
    exported_model: Path, original: Predictor, sample_posts: Path
) -> None:
    portable = PortablePredictor(exported_model)
    head = portable.head
    portable.head = lambda inputs: head(inputs)[:1]
    portable.config = replace(portable.config, outputs=("logits",))
    model = Predictor(WithoutOpinions(original.model).eval(), original.config, engine="torch")
    pictures = sorted((sample_posts / "images").iterdir())
    posts = [
        Pair(id="a", text="what a day", image=pictures[0]),
        Pair(id="b", text="sad"),
        Pair(id="c", image=pictures[1]),
    ]
    found = portable.predict(posts)
    assert_same(found, model.predict(posts))
    assert found[0].text != original.predict(posts)[0].text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("config.json", "there is no exported model in"),
        ("head.onnx", "lacks head.onnx"),
        ("text-encoder.onnx", "lacks text-encoder.onnx"),
        ("tokenizer.json", "tokenizer.json cannot be read"),
    ],
)
def test_a_missing_or_damaged_file_is_one_line(
    name: str, expected: str, exported_model: Path, tmp_path: Path
) -> None:
    for path in exported_model.iterdir():
        if path.name != name:
            (tmp_path / path.name).symlink_to(path)
    with pytest.raises(UserError, match=expected):
        PortablePredictor(tmp_path)
    (tmp_path / name).write_bytes(b"[]")
    with pytest.raises(UserError) as caught:
        PortablePredictor(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_training_run_is_not_taken_for_an_export(finished_run: Path) -> None:
    with pytest.raises(UserError, match="sentipair export RUN"):
        PortablePredictor(finished_run / "seed-0")


def test_no_other_package_is_imported(exported_model: Path, sample_posts: Path) -> None:
    code = (
        f"import runpy, sys; sys.modules.update(dict.fromkeys({BLOCKED!r}))\n"
        "runpy.run_module('sentipair.portable', run_name='__main__')"
    )
    picture = sorted((sample_posts / "images").iterdir())[0]
    words = [sys.executable, "-c", code, str(exported_model), str(picture), "what a day"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"label": ' in done.stdout


@pytest.mark.slow
def test_it_runs_where_pytorch_is_not_installed(exported_model: Path, tmp_path: Path) -> None:
    """A fresh environment that has the four packages and nothing else."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = next((tmp_path / "venv").glob("[bS]*/python*"))
    packages = tmp_path / "packages"
    packages.mkdir()
    for name in ("numpy", "PIL", "tokenizers", "onnxruntime", "sentipair"):
        found = find_spec(name)
        assert found is not None
        folder = Path(str(found.origin)).parent
        (packages / name).symlink_to(folder)
        for libraries in folder.parent.glob(f"{'pillow' if name == 'PIL' else name}.libs"):
            (packages / libraries.name).symlink_to(libraries)

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        place = {"PYTHONPATH": str(packages)}
        return subprocess.run(
            [python, *map(str, words)], capture_output=True, text=True, check=False, env=place
        )

    assert "No module named 'torch'" in run("-c", "import torch").stderr
    done = run("-m", "sentipair.portable", exported_model, "", "what a day")
    assert done.returncode == 0, done.stderr
    refused = run("-m", "sentipair.portable", exported_model, "absent.jpg")
    assert (refused.returncode, refused.stderr) == (1, "sentipair: there is no picture at absent.jpg\n")


def test_a_reader_that_goes_away_is_no_error(exported_model: Path) -> None:
    words = [sys.executable, "-m", "sentipair.portable", str(exported_model), "", "what a day"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1
