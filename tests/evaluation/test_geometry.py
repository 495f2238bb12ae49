"""Distances against loops over pairs, and a t-SNE that can be repeated."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from sentipair.evaluation.geometry import BIN_EDGES, embedding_distances, project_to_plane, subsample


def cosine_distance(a, b):
    length = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(x * x for x in b))
    return 1 - (sum(x * y for x, y in zip(a, b, strict=True)) / length if length else 0.0)


def loop_distances(left, right, labels, *, unordered):
    same, different = [], []
    for i in range(len(labels)):
        for j in range(len(labels)):
            if unordered and j <= i:
                continue
            group = same if labels[i] == labels[j] else different
            group.append(cosine_distance(left[i].tolist(), right[j].tolist()))
    return same, different


@pytest.mark.parametrize(
    ("count", "dim", "dtype"), [(1, 4, "f4"), (2, 3, "f8"), (17, 5, "f2"), (40, 32, "f4")]
)
def test_distances_equal_the_loop(count, dim, dtype):
    generator = np.random.default_rng(count)
    image = generator.normal(size=(count, dim)).astype(dtype)
    text = np.maximum(generator.normal(size=(count, dim)), 0).astype(dtype)
    text[0] = 0
    labels = generator.integers(0, 3, count)
    found = embedding_distances(labels=labels, image=image, text=text)
    cases = {"IID": (image, image, True), "TTD": (text, text, True), "ITD": (image, text, False)}
    assert list(found) == list(cases)
    for name, (left, right, unordered) in cases.items():
        loops = loop_distances(left, right, labels, unordered=unordered)
        for histogram, oracle in zip((found[name].same, found[name].different), loops, strict=True):
            assert histogram.count == len(oracle)
            if not oracle:
                assert histogram.mean is None
                assert histogram.shares.sum() == 0
                continue
            assert histogram.mean == pytest.approx(np.mean(oracle), abs=1e-5)
            assert histogram.shares.sum() == pytest.approx(1)
            middle = ((BIN_EDGES[1:] + BIN_EDGES[:-1]) / 2) @ histogram.shares
            assert middle == pytest.approx(np.mean(oracle), abs=0.0126)  # half a bin


def test_known_angles():
    image = np.array([[2.0, 0.0], [0.0, 3.0]])
    text = np.array([[5.0, 0.0], [-1.0, 0.0]])
    found = embedding_distances(labels=np.array([0, 1]), image=image, text=text)
    assert found["IID"].different.mean == pytest.approx(1)
    assert found["TTD"].different.mean == pytest.approx(2)
    assert found["ITD"].same.mean == pytest.approx(0.5)  # own pairs: 0 and 1
    assert found["ITD"].different.mean == pytest.approx(1.5)


def test_one_modality_alone():
    values = np.eye(3)
    assert list(embedding_distances(labels=np.arange(3), text=values)) == ["TTD"]
    assert list(embedding_distances(labels=np.arange(3), image=values)) == ["IID"]


def test_unlabelled_and_broken_rows_are_left_out():
    image = np.array([[1.0, 0.0], [np.nan, 0.0], [0.0, 1.0], [1.0, 1.0]])
    found = embedding_distances(labels=np.array([0, 0, -1, 0]), image=image)
    assert found["IID"].same.count == 1
    assert found["IID"].same.mean == pytest.approx(1 - math.sqrt(0.5))


def test_many_rows_are_sampled_by_seed_in_bounded_memory():
    generator = np.random.default_rng(0)
    image = generator.normal(size=(20_000, 8)).astype("f2")
    labels = generator.integers(0, 3, 20_000)
    tracemalloc.start()
    first = embedding_distances(labels=labels, image=image, limit=300)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6
    assert first["IID"].same.count + first["IID"].different.count == 300 * 299 // 2
    again = embedding_distances(labels=labels, image=image, limit=300)
    other = embedding_distances(labels=labels, image=image, limit=300, seed=1)
    assert first["IID"].same.mean == again["IID"].same.mean != other["IID"].same.mean


def test_subsample_is_ascending_and_without_repeats():
    chosen = subsample(1000, limit=100, seed=3)
    assert len(set(chosen.tolist())) == 100
    assert (np.diff(chosen) > 0).all()
    assert subsample(5, limit=100).tolist() == [0, 1, 2, 3, 4]


def test_plane_keeps_clusters_apart_and_repeats():
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1], 30)
    features = (generator.normal(size=(60, 16)) + 20 * labels[:, None]).astype("f2")
    plane = project_to_plane(features)
    centres = np.stack([plane[labels == c].mean(axis=0) for c in (0, 1)])
    nearest = np.linalg.norm(plane[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == labels).all()
    np.testing.assert_array_equal(plane, project_to_plane(features))


@pytest.mark.parametrize("features", [np.zeros((0, 4)), np.ones((50, 4)), np.eye(4)])
def test_no_plane_for_too_few_distinct_rows(features):
    assert project_to_plane(features) is None


def test_five_rows_are_enough():
    assert project_to_plane(np.eye(5)).shape == (5, 2)
