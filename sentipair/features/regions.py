"""Regions of a picture: cells of the image encoder's grid, what a detector found, or vectors from files."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sentipair.data.pair import Modality, Pair
from sentipair.encoders import Encoders
from sentipair.encoders.engines import to_half
from sentipair.encoders.preprocessing import Box
from sentipair.errors import UserError
from sentipair.features.specs import FeatureSpec, ImageSource, Places, Records, grid_boxes, pad
from sentipair.files import sha256

Record = NDArray[np.float16]


class GridRegions(ImageSource):
    """The cells of the image encoder's last feature map as regions."""

    def __init__(self, encoders: Encoders) -> None:
        super().__init__(encoders)
        self.dims = {"region_dim": self.encoder.dim}

    def regions(self, record: Record, count: int) -> tuple[Record, Record]:
        """Boxes [m, 4] and vectors [m, d]: the ``count`` cells of largest norm, in the order of the grid."""
        cells = record[self.encoder.prefix :]
        boxes = grid_boxes(len(cells)).astype(np.float16)
        norms = np.linalg.norm(cells.astype(np.float32), axis=1)
        kept = np.sort(np.argsort(-norms, kind="stable")[:count])
        return boxes[kept], cells[kept]


class DetectedRegions(ImageSource):
    """What a detector is surest of, at most ``detector.MOST`` regions."""

    def __init__(self, encoders: Encoders) -> None:
        self.encoder = encoders.detector
        self.dims = {"region_dim": self.encoder.dim}

    def regions(self, record: Record, count: int) -> tuple[Record, Record]:
        """Boxes [m, 4] and vectors [m, d] of the ``count`` surest."""
        return record[:count, :4], record[:count, 4:]


class StoredRegions:
    """Vectors that somebody made before, one file ``<id>.npz`` per post.

    ``x`` [m, d] holds the vectors, as in ITIN's release (2 × 2048); ``boxes`` [m, 4], where it is there, their corners
    relative to the picture. A post without a file has no regions.

    Raises:
        UserError: the folder has no such file, or a damaged one.
    """

    kind: Modality = "image"
    reads = "regions"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        first = next(iter(sorted(folder.glob("*.npz"))), None)
        if first is None:
            raise UserError(f"{folder} holds neither a detector (config.json) nor regions (<id>.npz)")
        self.dims = {"region_dim": read_regions(first).shape[1] - 4}

    def describe(self) -> dict[str, object]:
        """The layout of the files; a record depends on its file alone."""
        return {"kind": "regions", "layout": "npz with x and boxes"}

    def key(self, pair: Pair) -> str | None:
        """The SHA-256 of the pair's file."""
        try:
            return sha256(self._path(pair).read_bytes())
        except OSError:
            return None

    def encode(self, pairs: Sequence[Pair]) -> list[Record]:
        """Corners and vector per region [m, 4 + d]."""
        return [read_regions(self._path(pair), dim=self.dims["region_dim"]) for pair in pairs]

    def remark(self, pair: Pair, length: int) -> str | None:
        """Which file is missing."""
        return None if length else f"no regions in {self._path(pair).name}"

    def regions(self, record: Record, count: int) -> tuple[Record, Record]:
        """Boxes [m, 4] and vectors [m, d] of the first ``count``."""
        return record[:count, :4], record[:count, 4:]

    def in_picture(self, pair: Pair, boxes: NDArray[np.float32]) -> list[Box]:
        """The boxes as they are; none where the files hold none."""
        return [(x0, y0, x1, y1) for x0, y0, x1, y1 in boxes.tolist()] if boxes.any() else []

    def _path(self, pair: Pair) -> Path:
        return self.folder / f"{pair.id}.npz"


RegionSource = GridRegions | DetectedRegions | StoredRegions


@dataclass(frozen=True, kw_only=True)
class Regions(FeatureSpec[RegionSource]):
    """At most ``count`` regions of the picture, from where ``encoders.regions`` says.

    Gives ``regions [B, m, d]`` (half precision), ``regions_mask [B, m]`` and ``region_boxes [B, m, 4]``: corners
    relative to what the network sees of the picture (a grid's cells: the centre cut), zeros where nobody knows them.
    """

    count: int

    def source(self, encoders: Encoders) -> RegionSource:
        """The grid, a detector, or a folder of vectors."""
        if encoders.regions is None:
            return GridRegions(encoders)
        folder = Path(encoders.regions).expanduser()
        if folder.is_dir() and not (folder / "config.json").exists():
            return StoredRegions(folder)
        return DetectedRegions(encoders)

    def collate(self, records: Records, source: RegionSource) -> dict[str, Tensor]:
        """Stack the regions; a picture with fewer is padded, an absent one all masked."""
        dim = source.dims["region_dim"]
        nothing = np.empty((0, 4), np.float16), np.empty((0, dim), np.float16)
        parts = [
            nothing if record is None or not len(record) else source.regions(record, self.count)
            for record in records
        ]
        regions, mask = pad([vectors for _, vectors in parts], (dim,))
        boxes, _ = pad([boxes for boxes, _ in parts], (4,))
        return {"regions": regions, "regions_mask": mask, "region_boxes": boxes.float()}

    def locate(self, pair: Pair, record: Record | None, source: RegionSource) -> Places:
        """The regions' boxes."""
        if record is None or not len(record):
            return {}
        boxes, _ = source.regions(record, self.count)
        return {"regions": source.in_picture(pair, boxes.astype(np.float32))}


def read_regions(path: Path, *, dim: int | None = None) -> Record:
    """Corners and vectors [m, 4 + d] of one file, the corners zero where it has none.

    Raises:
        UserError: the file is damaged, holds something else, vectors that are not ``dim`` wide, or values that are no
            numbers.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            vectors = np.asarray(arrays["x"], np.float32)
            boxes = np.asarray(
                arrays["boxes"] if "boxes" in arrays else np.zeros((len(vectors), 4)), np.float32
            )
    except (OSError, EOFError, TypeError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} holds no regions: it must be a .npz file with an array x (m, d)") from error
    if vectors.ndim != 2 or boxes.shape != (len(vectors), 4) or dim not in (None, vectors.shape[-1]):
        expected = f"(m, {dim or 'd'})"
        raise UserError(f"{path}: x has the shape {vectors.shape}; {expected} and boxes (m, 4) are expected")
    if not (np.isfinite(vectors).all() and np.isfinite(boxes).all()):
        raise UserError(f"{path} holds values that are no numbers; make it again")
    if not np.array_equal(boxes.round(2).clip(0, 1), boxes.round(2)):
        raise UserError(f"{path}: boxes are corners relative to the picture, from 0 to 1; divide by its size")
    return to_half(np.concatenate([boxes, vectors], axis=1))
