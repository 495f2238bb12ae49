"""Every slice holds the posts it names, and what is withheld does not reach the model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from sentipair.data import Pair
from sentipair.evaluation.predict import predict
from sentipair.evaluation.slices import Slice, describe_slices, score_slice, slices
from sentipair.features import PairBatch
from sentipair.models import PairModel, PairOutput
from sentipair.models.layers import masked_mean

CLASSES = ("positive", "neutral", "negative")
TEMPERATURE = 0.5


def chosen(pairs: list[Pair], unusable: Any = ()) -> dict[tuple[str, str], list[str]]:
    found = slices(pairs, classes=CLASSES, unusable=unusable)
    return {
        (part.by, part.name): [pair.id for pair, here in zip(pairs, part.rows, strict=True) if here]
        for part in found
    }


def test_by_the_labels_of_text_and_picture() -> None:
    labels = [
        ("positive", "positive"),
        ("neutral", "negative"),
        ("negative", "positive"),
        ("positive", None),
        ("neutral", "neutral"),
    ]
    pairs = [Pair(id=str(i), text_label=t, image_label=p) for i, (t, p) in enumerate(labels)]
    found = chosen(pairs)
    assert found["labels", "agree"] == ["0", "4"]
    assert found["labels", "differ"] == ["1"]
    assert found["labels", "opposite"] == ["2"]
    assert not any(by == "labels" for by, _ in chosen([Pair(id="a", text_label="positive")]))


def test_by_the_votes_of_the_annotators() -> None:
    votes = {
        "same": ("positive", "positive", "positive"),
        "two": ("positive", "neutral", "positive"),
        "three": ("positive", "neutral", "negative"),
        "clash": ("positive", "positive", None),
        "none": (),
    }
    pairs = [Pair(id=name, votes=given) for name, given in votes.items()]
    found = chosen(pairs)
    assert found["votes", "unanimous"] == ["same"]
    assert found["votes", "divided"] == ["two", "three", "clash"]
    assert not any(by == "votes" for by, _ in chosen([Pair(id="a", label="positive")]))


def test_by_class_also_an_absent_one() -> None:
    found = chosen([Pair(id="a", label="negative"), Pair(id="b", label="positive"), Pair(id="c")])
    assert {name: ids for (by, name), ids in found.items() if by == "class"} == {
        "positive": ["b"],
        "neutral": [],
        "negative": ["a"],
    }


def test_by_words_at_the_bounds() -> None:
    pairs = [Pair(id=str(n), text=" ".join(["word"] * n)) for n in (0, 1, 10, 11, 20, 21, 500)]
    found = chosen(pairs)
    assert found["words", "up to 10"] == ["0", "1", "10"]
    assert found["words", "11 to 20"] == ["11", "20"]
    assert found["words", "over 20"] == ["21", "500"]


def test_by_picture_only_where_both_occur() -> None:
    there, absent, broken = (
        Pair(id="there", image=Path("a.jpg")),
        Pair(id="absent"),
        Pair(id="broken", image=Path("b.jpg")),
    )
    found = chosen([there, absent, broken], unusable={"broken"})
    assert found["picture", "with"] == ["there"]
    assert found["picture", "without"] == ["absent", "broken"]
    for alike in ([there], [absent]):
        assert not any(by == "picture" for by, _ in chosen(alike))


def score(rows: Any, targets: Any, predictions: Any, *, by: str = "words") -> dict[str, Any]:
    part = Slice(by, "some", np.asarray(rows, bool))
    return score_slice(
        part, targets=np.asarray(targets), predictions=np.asarray(predictions), classes=CLASSES
    )


def test_scores_are_of_the_labelled_posts_of_the_slice() -> None:
    generator = np.random.default_rng(0)
    targets, predictions = generator.integers(-1, 3, 80), generator.integers(0, 3, 80)
    rows = generator.random(80) < 0.6
    found = score(rows, targets, predictions)
    kept = rows & (targets >= 0)
    there, answers = targets[kept], predictions[kept]
    assert found["count"] == kept.sum() < rows.sum()
    assert found["accuracy"] == pytest.approx((there == answers).mean())
    for name in ("weighted", "macro"):
        expected = f1_score(there, answers, labels=[0, 1, 2], average=name)
        assert found[f"{name}_f1"] == pytest.approx(expected)


@pytest.mark.parametrize(("count", "hits"), [(10, 10), (10, 0), (40, 31)])
def test_the_interval_is_wilsons(count: int, hits: int) -> None:
    low, high = score(np.ones(count), [0] * count, [0] * hits + [1] * (count - hits))["interval"]
    z, share = 1.959963984540054, hits / count
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    reach = z / (1 + z * z / count) * (share * (1 - share) / count + z * z / (4 * count**2)) ** 0.5
    assert (low, high) == pytest.approx((centre - reach, centre + reach), abs=1e-9)
    assert high - low > 0.1


def test_small_and_empty_slices_keep_their_count() -> None:
    nine = score([1] * 9 + [0], [0] * 10, [0] * 10)
    assert (nine["count"], nine["accuracy"], nine["interval"]) == (9, 1.0, None)
    empty = score([0, 0], [0, 1], [0, 1])
    assert empty["count"] == 0
    assert [empty[key] for key in ("accuracy", "weighted_f1", "macro_f1", "interval")] == [None] * 4
    assert score([1, 1], [-1, -1], [0, 1])["count"] == 0


def test_within_a_class_there_is_no_f1() -> None:
    found = score([1, 1, 1], [0, 0, 0], [0, 0, 1], by="class")
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["weighted_f1"] is found["macro_f1"] is None


def described(model: Any, table: Any) -> dict[tuple[str, str], dict[str, Any]]:
    answers = predict(model, table).logits.argmax(-1).numpy()
    found = describe_slices(
        model, table, predictions=answers, classes=("a", "b", "c"), temperature=TEMPERATURE
    )
    return {(row["by"], row["name"]): row for row in found}


def test_a_split_as_a_whole(random_table: Any, small_model: Any) -> None:
    table, model = random_table(40), small_model()
    found = described(model, table)
    right = predict(model, table).logits.argmax(-1) == table.labels
    assert sum(row["count"] for (by, _), row in found.items() if by == "class") == 40
    for index, name in enumerate("abc"):
        recall = right[table.labels == index].float().mean()
        assert found["class", name]["accuracy"] == pytest.approx(float(recall))
    assert found["words", "up to 10"]["count"] == 40
    assert found["withheld", "text"]["count"] == found["withheld", "picture"]["count"] == 40


def test_a_model_that_sees_neither_withheld_part_answers_as_ever(random_table: Any, small_model: Any) -> None:
    table = random_table(60)
    for modalities, unseen in (("text", "picture"), ("image", "text")):
        model = small_model(modalities=modalities)
        accuracy = float((predict(model, table).logits.argmax(-1) == table.labels).float().mean())
        assert described(model, table)["withheld", unseen]["accuracy"] == pytest.approx(accuracy)


def test_without_all_it_sees_a_model_gives_one_answer(random_table: Any, small_model: Any) -> None:
    table = random_table(60)
    for modalities, seen in (("text", "picture"), ("image", "text")):
        kind = "text" if seen == "picture" else "image"
        answers = predict(small_model(modalities=modalities), table.without(kind)).logits.argmax(-1)
        assert len(torch.unique(answers)) == 1


def test_unlabelled_posts_take_no_part(random_table: Any, small_model: Any) -> None:
    table = random_table(30)
    table.labels = table.labels.clone()
    table.labels[20:] = -1
    table.pairs = [replace(pair, label=pair.label if i < 20 else None) for i, pair in enumerate(table.pairs)]
    found = described(small_model(), table)
    assert found["withheld", "text"]["count"] == 20
    assert sum(row["count"] for (by, _), row in found.items() if by == "class") == 20


def test_what_is_left_is_compared_with_its_own_label(random_table: Any, small_model: Any) -> None:
    table, model = random_table(60), small_model()
    assert not any(by == "alone" for by, _ in described(model, table))
    generator = torch.Generator().manual_seed(1)
    table.unimodal_labels["text"] = torch.randint(-1, 3, (60,), generator=generator)
    known = table.unimodal_labels["text"] >= 0
    found = described(model, table)
    answers = predict(model, table.without("image")).logits.argmax(-1)
    right = (answers == table.unimodal_labels["text"])[known]
    assert [name for by, name in found if by == "alone"] == ["text"]
    assert found["alone", "text"]["count"] == int(known.sum()) < 60
    assert found["alone", "text"]["accuracy"] == pytest.approx(float(right.float().mean()))


class Sums(PairModel):
    """The class that the first three numbers of tokens and cells hint at."""

    requires = ()

    def forward(self, batch: PairBatch) -> PairOutput:
        tokens = masked_mean(batch["text"][:, :, -1, :3].float(), batch["text_mask"])
        return PairOutput(logits=tokens + masked_mean(batch["grid"][..., :3].float(), batch["grid_mask"]))


def test_how_often_a_model_sees_that_text_and_picture_differ(random_table: Any) -> None:
    table, model = random_table(60), Sums()
    generator = torch.Generator().manual_seed(2)
    table.grid = table.grid[torch.randperm(60, generator=generator)]
    own = {kind: torch.randint(-1, 3, (60,), generator=generator) for kind in ("text", "image")}
    table.unimodal_labels = own
    table.pairs = [
        replace(pair, image=None if i < 5 else Path("a.jpg"), text="" if i > 55 else pair.text)
        for i, pair in enumerate(table.pairs)
    ]
    shares = {}
    for kind, other in (("text", "image"), ("image", "text")):
        logits = predict(model, table.without(other)).logits / TEMPERATURE
        shares[kind] = logits.softmax(-1).tolist()

    told = {"agree": [], "differ": []}
    for i, (text, picture) in enumerate(zip(shares["text"], shares["image"], strict=True)):
        a, b = text.index(max(text)), picture.index(max(picture))
        clear = min(text[a] - text[b], picture[b] - picture[a]) >= 0.3
        said = a != b and clear and 5 <= i <= 55
        if min(own["text"][i], own["image"][i]) >= 0:
            differ = bool(own["text"][i] != own["image"][i])
            told["differ" if differ else "agree"].append(said == differ)

    found = described(model, table)
    for name, right in told.items():
        row = found["conflict", name]
        assert row["count"] == len(right)
        assert row["accuracy"] == pytest.approx(sum(right) / len(right))
        assert 0 < row["accuracy"] < 1
        assert row["weighted_f1"] is row["macro_f1"] is None


def test_a_model_of_one_modality_has_no_say_in_the_other(random_table: Any, small_model: Any) -> None:
    table = random_table(30)
    table.unimodal_labels = {kind: torch.arange(30) % 3 for kind in ("text", "image")}
    for modalities, name in (("text", "text"), ("image", "picture")):
        found = described(small_model(modalities=modalities), table)
        assert [part for by, part in found if by in ("alone", "conflict")] == [name]
