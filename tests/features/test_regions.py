"""Regions from the grid, a detector and files, against boxes and vectors computed by hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sentipair.data import Pair
from sentipair.encoders import Preprocessing
from sentipair.encoders.detector import WholePicture
from sentipair.errors import UserError
from sentipair.features import CLIPImage, FeatureStore, FeatureTable, ImageGrid, Regions, TextLayers
from sentipair.features.specs import grid_boxes

QUARTERS = [[0, 0, 0.5, 0.5], [0.5, 0, 1, 0.5], [0, 0.5, 0.5, 1], [0.5, 0.5, 1, 1]]


class FourCorners:
    """Finds one region per corner, as wide as the picture's mean red is deep; the vector names the corner."""

    preprocessing = WholePicture(crop=8)
    dim = 3

    def describe(self) -> dict[str, object]:
        return {"kind": "detector"}

    def encode(self, pictures: list[NDArray[np.uint8]]) -> list[NDArray[np.float16]]:
        return [
            np.array([[0, 0, red, red, 1, 1, 1], [1 - red, 1 - red, 1, 1, 2, 2, 2]], np.float16)
            for red in (picture[..., 0].mean() / 255 for picture in pictures)
        ]


class ClassAndQuarters:
    """A CLIP that sees nothing in a vector and four patches."""

    preprocessing = Preprocessing(shorter_side=16, crop=16)
    dim, shape = 3, (5, 3)

    def describe(self) -> dict[str, object]:
        return {"kind": "clip"}

    def encode(self, pictures: list[NDArray[np.uint8]]) -> list[NDArray[np.float16]]:
        return [np.zeros(self.shape, np.float16) for _ in pictures]


@pytest.fixture
def pairs(tmp_path: Path) -> list[Pair]:
    picture = Image.new("RGB", (40, 20), "black")  # the centre cut of 20 × 20 holds four quarters
    picture.paste((250, 0, 0), (20, 0, 30, 10))
    picture.paste((100, 0, 0), (10, 10, 20, 20))
    picture.save(tmp_path / "a.png")
    return [Pair(id="a", text="one three", image=tmp_path / "a.png"), Pair(id="none", text="x")]


def table(pairs: list[Pair], encoders: Any, root: Path, *specs: Any) -> FeatureTable:
    return FeatureTable(
        pairs, classes=("x",), specs=specs, encoders=encoders, store=FeatureStore(root / "store")
    )


def with_regions(encoders: Any, source: str | None, **more: Any) -> Any:
    return SimpleNamespace(
        text_encoder=encoders.text_encoder, image_encoder=encoders.image_encoder, regions=source, **more
    )


def test_grid_boxes_go_row_by_row() -> None:
    assert grid_boxes(4).tolist() == QUARTERS
    boxes = grid_boxes(49)
    for r in range(7):
        for c in range(7):
            np.testing.assert_allclose(boxes[r * 7 + c], [c / 7, r / 7, (c + 1) / 7, (r + 1) / 7], rtol=1e-6)


@pytest.mark.parametrize("prefix", ["encoders", "vit_encoders"])
def test_all_cells_are_regions(
    pairs: list[Pair], tmp_path: Path, prefix: str, request: pytest.FixtureRequest
) -> None:
    encoders = with_regions(request.getfixturevalue(prefix), None)
    batch = table(pairs, encoders, tmp_path, Regions(count=49), ImageGrid()).batch([0, 1])
    assert np.array_equal(batch["regions"], batch["grid"])
    assert np.array_equal(batch["regions_mask"], batch["grid_mask"])
    assert batch["region_boxes"].tolist() == [QUARTERS, [[0.0] * 4] * 4]
    assert encoders.image_encoder.encoded == 1  # grid and regions share their records


def test_few_cells_are_those_of_largest_norm_in_their_order(
    pairs: list[Pair], encoders: Any, tmp_path: Path
) -> None:
    batch = table(pairs, with_regions(encoders, None), tmp_path, Regions(count=2), ImageGrid()).batch([0, 1])
    assert np.array_equal(batch["regions"][0], batch["grid"][0, [1, 2]])  # the two that are red
    assert batch["region_boxes"][0].tolist() == [QUARTERS[1], QUARTERS[2]]
    assert batch["regions_mask"].tolist() == [[True, True], [False, False]]


def test_what_a_detector_found(pairs: list[Pair], encoders: Any, tmp_path: Path) -> None:
    chosen = with_regions(encoders, "some/detector", detector=FourCorners())
    features = table(pairs, chosen, tmp_path, Regions(count=9))
    batch = features.batch([0, 1])
    assert batch["regions"][0].tolist() == [[1, 1, 1], [2, 2, 2]]
    assert batch["regions_mask"].tolist() == [[True, True], [False, False]]
    (corner, opposite) = features.locate(0)["regions"]
    assert corner[0] == corner[1] == 0
    assert opposite[2] == opposite[3] == 1
    assert 0 < corner[2] == pytest.approx(1 - opposite[0], abs=2e-3)
    one = table(pairs, chosen, tmp_path, Regions(count=1)).batch([0])
    assert one["regions"][0].tolist() == [[1, 1, 1]]


def test_places_are_relative_to_the_whole_picture(pairs: list[Pair], encoders: Any, tmp_path: Path) -> None:
    specs = (TextLayers(last=1, max_length=8), ImageGrid(), Regions(count=2))
    encoders.text_encoder(last=1, max_length=8, pad_to=None).spans = lambda text: [(0, len(text))]
    features = table(pairs, with_regions(encoders, None), tmp_path, *specs)
    places = features.locate(0)
    assert places["words"] == [(0, 9)]
    expected = [(0.25 + x0 / 2, y0, 0.25 + x1 / 2, y1) for x0, y0, x1, y1 in QUARTERS]
    np.testing.assert_allclose(places["cells"], expected, atol=1e-6)
    np.testing.assert_allclose(places["regions"], expected[1:3], atol=1e-6)
    assert features.locate(1).keys() == {"words"}


def test_stored_vectors(pairs: list[Pair], encoders: Any, tmp_path: Path) -> None:
    folder = tmp_path / "boxes"
    folder.mkdir()
    vectors = np.random.default_rng(0).normal(size=(2, 5)).astype(np.float32)
    np.savez(folder / "a.npz", x=vectors)
    more = [*pairs, Pair(id="boxed")]
    np.savez(folder / "boxed.npz", x=vectors[:1], boxes=[[0.1, 0.2, 0.3, 0.4]])
    chosen = with_regions(encoders, str(folder))
    assert Regions(count=2).source(chosen).dims == {"region_dim": 5}
    features = table(more, chosen, tmp_path, Regions(count=2))
    batch = features.batch([0, 1, 2])
    np.testing.assert_allclose(batch["regions"][0], vectors, rtol=1e-3)
    np.testing.assert_allclose(batch["region_boxes"][2, 0], [0.1, 0.2, 0.3, 0.4], rtol=1e-3)
    assert batch["regions_mask"].tolist() == [[True, True], [False, False], [True, False]]
    assert not batch["region_boxes"][0].any()
    assert features.unusable == {"none": "no regions in none.npz"}
    assert [len(features.locate(i)["regions"]) for i in (0, 2)] == [
        0,
        1,
    ]  # nobody knows where those of "a" are
    assert not features.without("image").batch([0])["regions_mask"].any()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": np.zeros((2, 5))}, "an array x"),
        ({"x": np.zeros(5)}, r"x has the shape \(5,\); \(m, 5\) and boxes"),
        ({"x": np.zeros((2, 7))}, r"x has the shape \(2, 7\); \(m, 5\)"),
        ({"x": np.zeros((2, 5)), "boxes": np.zeros((3, 4))}, "boxes"),
        ({"x": np.array([None])}, "an array x"),
        ({"x": np.full((2, 5), np.nan)}, "holds values that are no numbers"),
        ({"x": np.array(3.0)}, "an array x"),
        ({"x": np.zeros((1, 5)), "boxes": np.array([[10, 20, 300, 400]])}, "from 0 to 1; divide by its size"),
    ],
    ids=[
        "no x",
        "one dimension",
        "other width",
        "boxes of others",
        "pickled",
        "no numbers",
        "scalar",
        "pixels",
    ],
)
def test_files_that_hold_no_regions(
    pairs: list[Pair], encoders: Any, tmp_path: Path, arrays: dict[str, Any], message: str
) -> None:
    folder = tmp_path / "boxes"
    folder.mkdir()
    np.savez(folder / "0.npz", x=np.zeros((2, 5)))
    np.savez(folder / "a.npz", **arrays)
    with pytest.raises(UserError, match=message) as caught:
        table(pairs, with_regions(encoders, str(folder)), tmp_path, Regions(count=2))
    assert str(folder / "a.npz") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_of_nothing_and_a_file_of_noise(encoders: Any, tmp_path: Path) -> None:
    chosen = with_regions(encoders, str(tmp_path))
    with pytest.raises(UserError, match="holds neither a detector"):
        Regions(count=2).source(chosen)
    for content in (b"noise", b""):
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(UserError, match="holds no regions"):
            Regions(count=2).source(chosen)


def test_patches_of_clip_lie_in_the_grid(pairs: list[Pair], encoders: Any, tmp_path: Path) -> None:
    seeing = SimpleNamespace(clip_image_encoder=lambda patches: ClassAndQuarters())
    with_patches, without = (
        table(pairs, seeing, tmp_path, CLIPImage(patches=patches)) for patches in (True, False)
    )
    expected = [(0.25 + x0 / 2, y0, 0.25 + x1 / 2, y1) for x0, y0, x1, y1 in QUARTERS]
    np.testing.assert_allclose(with_patches.locate(0)["cells"], expected, atol=1e-6)
    assert with_patches.locate(1) == without.locate(0) == {}
