"""Posts that need little padding together are read together, and every post keeps its place."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest

from sentipair.data.pair import Pair
from sentipair.inference import Predictor


def test_batches_are_alike_and_places_are_kept(finished_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = Predictor.from_pretrained(finished_run / "seed-0", engine="torch")
    pairs = [Pair(id=str(i), text="word " * ((i * 7) % 11)) for i in range(11)]
    lengths = []
    for places, posts in predictor.encode(pairs).alike(4):
        assert [pair.id for pair in posts.pairs] == [str(place) for place in places]
        assert list(posts.batch().ids) == [str(place) for place in places]
        lengths.append([(place * 7) % 11 for place in places])
    assert [len(batch) for batch in lengths] == [4, 4, 3]
    assert list(chain(*lengths)) == list(range(11))

    whole = predictor.predict(pairs)
    monkeypatch.setattr("sentipair.inference.predictor.BATCH", 2)
    for one, other in zip(whole, predictor.predict(pairs), strict=True):
        assert one.label == other.label
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
