"""Features on disk: content-addressed, half precision, ragged, memory-mapped, atomic, resumable, verified.

A *record* is the array that an encoder gives for one input; it is kept under the SHA-256 of that input. Records of one
encoder with one preprocessing form a *stream*, a folder of *shards*::

    <store>/<stream fingerprint>/stream.json            what made the records
    <store>/<stream fingerprint>/<shard>.safetensors    keys [n, 32], offsets [n + 1], values [sum of lengths, …]

A shard is a pure function of the keys in it, is written to a temporary file and renamed, and is never changed again. A
killed extraction therefore loses the shard it was working on and nothing else, and two at once cannot disagree.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from sentipair.errors import UserError
from sentipair.files import atomic_write, write_json
from sentipair.progress import console

try:
    import fcntl
except ImportError:  # Windows: two writers may do the same work twice, with the same result
    fcntl = None  # type: ignore[assignment]

SUFFIX = ".safetensors"
RELEASE_AFTER = 256 << 20
"""Bytes read from the maps after which their pages are given back, so that memory in use does not grow."""


class Shard:
    """One file of records, mapped into memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            self.map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        header_size = int.from_bytes(self.map[:8], "little")
        header: dict[str, Any] = json.loads(self.map[8 : 8 + header_size])
        self.checksum = str(header["__metadata__"]["sha256"])
        self._data_start = 8 + header_size
        self.keys = [bytes(row).hex() for row in self._array(header["keys"], np.uint8)]
        self.offsets = self._array(header["offsets"], np.int64)
        self.values = self._array(header["values"], np.float16)

    def _array(self, entry: dict[str, Any], dtype: type) -> NDArray[Any]:
        start, end = entry["data_offsets"]
        if self._data_start + end > len(self.map):
            raise ValueError("the file is shorter than its header says")
        flat = np.frombuffer(
            self.map, dtype, (end - start) // np.dtype(dtype).itemsize, self._data_start + start
        )
        return flat.reshape(entry["shape"])

    def record(self, row: int) -> NDArray[np.float16]:
        """The ``row``-th record, [length, …], as a view of the file."""
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    def release(self) -> None:
        """Give the pages that were read back to the operating system; they are read again when needed."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self.map.madvise(mmap.MADV_DONTNEED)


class FeatureStream:
    """The records of one encoder with one preprocessing: a folder of shards.

    Args:
        folder: where the shards are; made when the first one is written.
        description: what made the records; stored beside them.
    """

    def __init__(self, folder: Path, description: dict[str, object]) -> None:
        self.folder = folder
        self.description = description
        self._shards: dict[str, Shard] = {}
        self._places: dict[str, tuple[Shard, int]] = {}
        self._bytes_read = 0
        self.refresh()

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def missing(self, keys: Sequence[str]) -> list[str]:
        """Those of ``keys`` that have no record, once each, sorted: the order in which shards are planned."""
        return sorted({key for key in keys if key not in self._places})

    def read(self, key: str) -> NDArray[np.float16]:
        """The record of ``key``, [length, …], a read-only view that stays valid."""
        shard, row = self._places[key]
        record = shard.record(row)
        self._bytes_read += record.nbytes
        if self._bytes_read > RELEASE_AFTER:
            self._bytes_read = 0
            for each in self._shards.values():
                each.release()
        return record

    def refresh(self) -> None:
        """Open the shards that have appeared since the last look; a damaged one is set aside and reported."""
        names = sorted(path.name for path in self.folder.glob(f"*{SUFFIX}"))
        new = [name for name in names if name not in self._shards]
        with ThreadPoolExecutor(max_workers=2) as pool:
            for name, shard in zip(new, pool.map(self._open, new), strict=True):
                if shard is not None:
                    self._shards[name] = shard
                    self._places |= {key: (shard, row) for row, key in enumerate(shard.keys)}

    def _open(self, name: str) -> Shard | None:
        path = self.folder / name
        try:
            shard = Shard(path)
            if file_checksum(path) != shard.checksum:
                raise ValueError("its checksum differs")
        except (ValueError, KeyError, OSError) as error:
            aside = path.with_suffix(".damaged")
            path.replace(aside)
            console.print(
                f"[yellow]feature shard {name} is damaged ({error}); kept as {aside.name}, made anew"
            )
            return None
        return shard

    def shard_path(self, keys: Sequence[str]) -> Path:
        """Where the shard that holds exactly ``keys`` belongs."""
        return self.folder / f"{sha256(''.join(keys).encode()).hexdigest()[:24]}{SUFFIX}"

    def write(self, keys: Sequence[str], records: Sequence[NDArray[np.float16]]) -> None:
        """Write one shard, whole or not at all.

        Raises:
            UserError: the folder cannot be written to, or the disk is full.
        """
        if not (self.folder / "stream.json").exists():
            write_json(self.folder / "stream.json", self.description)
        filled = [record for record in records if len(record)]
        tail = filled[0].shape[1:] if filled else (0,)
        tensors = {
            "keys": np.array([list(bytes.fromhex(key)) for key in keys], np.uint8),
            "offsets": np.cumsum([0, *map(len, records)], dtype=np.int64),
            "values": np.concatenate(filled) if filled else np.empty((0, *tail), np.float16),
        }
        content = save(tensors, metadata={"sha256": "0" * 64})
        checksum = sha256(content).hexdigest().encode()
        with atomic_write(self.shard_path(keys)) as file:
            file.write(content.replace(b"0" * 64, checksum, 1))

    @contextmanager
    def claim(self, keys: Sequence[str], *, wait: bool) -> Iterator[bool]:
        """Keep other processes from working on the shard of ``keys``; yields whether the claim was got.

        A lock on one byte of the stream's ``lock`` file, which the kernel drops when the process dies. It only saves
        work: without it two processes would write the same bytes twice.
        """
        if fcntl is None:
            yield True
            return
        path = self.shard_path(keys)
        byte = int(path.stem[:12], 16)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "lock").open("wb")
        except OSError as error:
            raise UserError(
                f"cannot write features to {self.folder}: {error.strerror}; choose --features"
            ) from error
        with lock:
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), 1, byte)
            except BlockingIOError:
                yield False
                return
            for stale in self.folder.glob(f".{path.name}.*.tmp"):  # left by a killed holder of this claim
                stale.unlink(missing_ok=True)
            yield True


def file_checksum(path: Path) -> str:
    """SHA-256 of a shard file with the checksum in its header taken as zeros."""
    digest = sha256()
    with path.open("rb") as file:
        size = int.from_bytes(head := file.read(8), "little")
        header = file.read(size)
        stored = str(json.loads(header)["__metadata__"]["sha256"]).encode()
        digest.update(head + header.replace(stored, b"0" * 64, 1))
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class FeatureStore:
    """A folder with one ``FeatureStream`` per encoder and preprocessing."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self._streams: dict[str, FeatureStream] = {}

    def stream(self, description: dict[str, object]) -> FeatureStream:
        """The stream of records made as ``description`` says; the same description gives the same folder."""
        canonical = json.dumps(description, sort_keys=True)
        fingerprint = f"{description['kind']}-{sha256(canonical.encode()).hexdigest()[:16]}"
        if fingerprint not in self._streams:
            self._streams[fingerprint] = FeatureStream(self.root / fingerprint, description)
        return self._streams[fingerprint]


def disk_usage(root: Path) -> int:
    """Bytes of all shards below ``root``."""
    return sum(os.path.getsize(path) for path in root.glob(f"*/*{SUFFIX}"))
