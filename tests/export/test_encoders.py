"""A fine-tuned encoder as a folder: what it computes, where it is used, and what it must not be tested on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoTokenizer, ViTConfig, ViTModel

from sentipair.cli.export import export
from sentipair.data.traces import TRACES, read_traces
from sentipair.encoders.preprocessing import PREPROCESSORS
from sentipair.encoders.weights import folder_revision
from sentipair.errors import UserError
from sentipair.experiments.run import evaluate_run, run_seeds
from sentipair.experiments.workbench import Workbench
from sentipair.export import export_encoders
from sentipair.features import FeatureStore
from sentipair.inference import Predictor
from sentipair.models.persistence import load_model
from sentipair.training.recipes import configure

TINY = ("training.epochs=1", "training.batch_size=8", "model.dim=4")


@pytest.fixture(scope="session")
def tuned_run(tmp_path_factory: pytest.TempPathFactory, sample_posts: Path, feature_folder: Path) -> Path:
    """Late fusion on the sample posts with the last text layer trained, one epoch."""
    output = tmp_path_factory.mktemp("tuned") / "run"
    config = configure(
        "late-fusion",
        str(sample_posts),
        engine="torch",
        overrides=["plugins.finetune={text: 1}", "training.encoder_learning_rate=0.001", *TINY],
    )
    run_seeds(config, [0], output, store=FeatureStore(feature_folder))
    return output


def test_transformers_computes_what_the_run_computes(tuned_run: Path, tmp_path: Path) -> None:
    names = export_encoders(tuned_run, tmp_path)
    assert names == {"text": str(tmp_path / "text"), "image": "efficientnet-lite0"}
    tokens = AutoTokenizer.from_pretrained(names["text"])("a quiet day", return_tensors="pt")
    tuned, _ = load_model(tuned_run / "seed-0")
    lower = tuned.encoder_below("text")
    with torch.no_grad():
        found = AutoModel.from_pretrained(names["text"])(**tokens).last_hidden_state
        states = lower.load(pretrained=True)(**tokens).last_hidden_state
        expected = tuned.tops["text"](states, tokens["attention_mask"].bool())[:, :, -1]
        before = AutoModel.from_pretrained(lower.folder)(**tokens).last_hidden_state
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(found, before, atol=1e-2)


def test_another_run_reads_it_and_knows_the_posts_that_it_has_seen(
    tuned_run: Path, sample_posts: Path, feature_folder: Path, tmp_path: Path
) -> None:
    names = export_encoders(tuned_run, tmp_path)
    wishes = ("plugins.finetune={text: 1}", "data.scheme=own", *TINY)
    config = configure(
        "late-fusion", str(sample_posts), encoders="+".join(names.values()), engine="torch", overrides=wishes
    )
    bench = Workbench(config, FeatureStore(feature_folder))
    assert bench.traces == read_traces(tmp_path / "text")
    (seen,) = bench.facts.encoders.values()
    assert seen["test"]
    assert set(seen["test"]) <= set(bench.facts.contaminated["test"])
    run_seeds(config, [0], tmp_path / "again", store=FeatureStore(feature_folder))
    export_encoders(tmp_path / "again", tmp_path / "twice")
    first, second = read_traces(tmp_path / "twice" / "text")
    assert first == bench.traces[0]
    assert second.data.endswith("own/seed=0)")

    shutil.rmtree(tmp_path / "text")
    shutil.copytree(tmp_path / "twice" / "text", tmp_path / "text")
    for use in (
        lambda: Predictor.from_pretrained(tmp_path / "again", engine="torch"),
        lambda: evaluate_run(tmp_path / "again" / "seed-0", split="test", store=FeatureStore(feature_folder)),
        lambda: run_seeds(config, [0, 1], tmp_path / "again", store=FeatureStore(feature_folder)),
    ):
        with pytest.raises(UserError, match=r"the text encoder .* has changed since .*seed-0 was trained"):
            use()
    assert not (tmp_path / "again" / "seed-1").exists()


def test_the_command_says_how_to_use_it(
    tuned_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    revisions = set()
    for _ in range(2):  # its own folder is replaced, by the same bytes: features stored with it stay of use
        export(str(tuned_run), to="transformers", output=tmp_path)
        assert f"--encoders {tmp_path}/text+efficientnet-lite0\n" in capsys.readouterr().out
        revisions.add(folder_revision(tmp_path / "text"))
    assert len(revisions) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text"]
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "text").iterdir()} == {0o644}


def test_a_folder_of_somebody_else_is_left_alone(tuned_run: Path, tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="is no exported encoder; choose another --output"):
        export_encoders(tuned_run, tmp_path)
    assert [path.name for path in (tmp_path / "text").iterdir()] == ["mine.txt"]


def test_a_picture_encoder_keeps_its_preprocessing(
    sample_posts: Path, feature_folder: Path, tmp_path: Path
) -> None:
    vit = tmp_path / "vit"
    network = ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, patch_size=32
    )
    ViTModel(network).save_pretrained(vit)
    (vit / PREPROCESSORS[0]).write_text('{"image_mean": [0.5, 0.5, 0.5]}')
    config = configure(
        "image-head",
        str(sample_posts),
        encoders=f"all-MiniLM-L6-v2+{vit}",
        engine="torch",
        overrides=["plugins.finetune={image: 1}", "training.epochs=1"],
    )
    run_seeds(config, [0], tmp_path / "run", store=FeatureStore(feature_folder))
    names = export_encoders(tmp_path / "run", tmp_path / "out")
    assert names == {"text": "all-MiniLM-L6-v2", "image": str(tmp_path / "out" / "image")}
    assert (tmp_path / "out" / "image" / PREPROCESSORS[0]).read_bytes() == (
        vit / PREPROCESSORS[0]
    ).read_bytes()


def test_the_packaged_picture_encoder_is_no_network_of_transformers(
    sample_posts: Path, feature_folder: Path, tmp_path: Path
) -> None:
    wishes = ["plugins.finetune={text: 1, image: 1}", *TINY]
    config = configure("late-fusion", str(sample_posts), engine="torch", overrides=wishes)
    run_seeds(config, [0], tmp_path / "run", store=FeatureStore(feature_folder))
    with pytest.raises(UserError, match="efficientnet-lite0 is no network of transformers"):
        export_encoders(tmp_path / "run", tmp_path / "out")
    assert not (tmp_path / "out").exists()  # the text encoder is not left there alone


def test_what_cannot_be_exported_is_one_line(
    finished_run: Path, tuned_run: Path, sample_posts: Path, feature_folder: Path, tmp_path: Path
) -> None:
    several = ["plugins.finetune={text: 1}", "plugins.ensemble=2", *TINY]
    config = configure("late-fusion", str(sample_posts), engine="torch", overrides=several)
    run_seeds(config, [0], tmp_path / "ensemble", store=FeatureStore(feature_folder))
    for run in (finished_run, tmp_path / "ensemble"):
        with pytest.raises(UserError, match=r"no single encoder was trained in .*; train with --finetune te"):
            export_encoders(run, tmp_path)
    published = tmp_path / "published"
    shutil.copytree(tuned_run / "seed-0", published, ignore=shutil.ignore_patterns("config.yaml"))
    with pytest.raises(UserError, match="does not say what it was trained on; give the run folder"):
        export_encoders(published, tmp_path)
    with pytest.raises(UserError, match="name the run whose encoder was fine-tuned"):
        export(None, to="transformers", output=tmp_path)
    assert not (tmp_path / "text" / TRACES).exists()
