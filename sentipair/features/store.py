"""Features on disk: content-addressed, half precision, ragged, memory-mapped, atomic, resumable, verified.

A *record* is the array that an encoder gives for one input; it is kept under the SHA-256 of that input. Records of one
encoder with one preprocessing form a *stream*, a folder of *shards*::

    <store>/<stream fingerprint>/<shard>.safetensors
    <store>/<stream fingerprint>/lock                   empty; see ``FeatureStream.claim``

A shard is named after the keys in it, is written to a temporary file and renamed, and is never changed again. A killed
extraction therefore loses the shard it was working on and nothing else, and two at once cannot disagree.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentipair.errors import UserError
from sentipair.features.shard import DamagedShardError, Shard, write_shard
from sentipair.files import atomic_write
from sentipair.progress import console, track

if sys.platform != "win32":  # there, two writers may do the same work twice, with the same result
    import fcntl

SUFFIX = ".safetensors"
RELEASE_AFTER = 32 << 20
"""Bytes read from the maps after which their pages are given back; the kernel maps up to ten times as much."""


class FeatureStream:
    """The records of one encoder with one preprocessing: a folder of shards.

    Args:
        folder: where the shards are; made when the first one is written.
        description: what made the records; stored in every shard.
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

    def length(self, key: str) -> int:
        """How many vectors the record of ``key`` has; nothing of it is read."""
        shard, row = self._places[key]
        return shard.length(row)

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
        """Open the shards that have appeared since the last look; a damaged one is set aside and reported.

        Raises:
            UserError: a shard cannot be read, or a damaged one not be set aside.
        """
        names = sorted(path.name for path in self.folder.glob(f"*{SUFFIX}"))
        new = [name for name in names if name not in self._shards]
        with ThreadPoolExecutor(max_workers=2) as pool:
            opened = track(pool.map(self._open, new), "verifying features", total=len(new))
            for name, shard in zip(new, opened, strict=True):
                if shard is not None:
                    self._shards[name] = shard
                    self._places |= {key: (shard, row) for row, key in enumerate(shard.keys)}

    def _open(self, name: str) -> Shard | None:
        path = self.folder / name
        try:
            return Shard(path)
        except FileNotFoundError:  # another process has just set it aside
            return None
        except DamagedShardError as error:
            aside = path.with_suffix(".damaged")
            try:
                with suppress(FileNotFoundError):
                    path.replace(aside)
            except OSError as refusal:
                raise UserError(
                    f"feature shard {path} is damaged and its folder is read-only; choose another feature folder"
                ) from refusal
            console.print(
                f"[yellow]feature shard {name} is damaged ({error}); kept as {aside.name}, made anew"
            )
            return None
        except OSError as error:
            raise UserError(f"cannot read feature shard {path}: {error.strerror}") from error

    def shard_path(self, keys: Sequence[str]) -> Path:
        """Where the shard that holds exactly ``keys`` belongs."""
        return self.folder / f"{sha256(''.join(keys).encode()).hexdigest()[:24]}{SUFFIX}"

    def write(self, keys: Sequence[str], records: Sequence[NDArray[np.float16]]) -> None:
        """Write one shard, whole or not at all.

        Raises:
            UserError: the folder cannot be written to, or the disk is full.
        """
        with atomic_write(self.shard_path(keys)) as file:
            write_shard(file, keys, records, self.description)

    @contextmanager
    def claim(self, path: Path, *, wait: bool) -> Iterator[bool]:
        """Keep other processes from working on the shard at ``path``; yields whether the claim was got.

        A lock on one byte of the stream's ``lock`` file, which the kernel drops when the process dies. It only saves
        work: without it two processes would write the same bytes twice. A process holds one claim at a time.

        Raises:
            UserError: the folder cannot be written to.
        """
        if sys.platform == "win32":
            yield True
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "lock").open("wb")
        except OSError as error:
            raise UserError(
                f"cannot write features to {self.folder}: {error.strerror}; choose another feature folder"
            ) from error
        with lock:
            try:
                byte = int(path.stem[:12], 16)
                fcntl.lockf(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), 1, byte)
            except (BlockingIOError, PermissionError):
                claimed = False
            except OSError as error:
                raise UserError(
                    f"the file system of {self.folder} has no locks ({error.strerror}); choose another feature folder"
                ) from error
            else:
                claimed = True
            yield claimed

    def sweep(self) -> None:
        """Delete the temporary files of killed processes: those that nobody has a claim on."""
        for temporary in self.folder.glob(f".*{SUFFIX}.*.tmp"):
            shard = self.folder / temporary.name[1:].split(".")[0]
            with self.claim(shard, wait=False) as abandoned:
                if abandoned:
                    temporary.unlink(missing_ok=True)


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
