"""One file of the feature store: records of several keys, written whole, mapped into memory, self-checking.

It is a safetensors file with the tensors ``keys`` [n, 32] (bytes), ``offsets`` [n + 1] and ``values`` [sum of
lengths, …] (half precision). Its metadata say what made the records, and hold the SHA-256 of the file with 64 zeros in
the place of that checksum.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from sentipair.tensors import make_header

NO_CHECKSUM = b"0" * 64


class DamagedShardError(Exception):
    """A shard file whose content is not what was written."""


class Shard:
    """One file of records, verified and mapped into memory.

    Raises:
        DamagedShardError: the file was cut or changed after it was written.
        OSError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        verify(path)
        with path.open("rb") as file:
            self.map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        header_size = int.from_bytes(self.map[:8], "little")
        header: dict[str, Any] = json.loads(self.map[8 : 8 + header_size])
        self._data_start = 8 + header_size
        self.keys = [bytes(row).hex() for row in self._array(header["keys"], np.uint8)]
        self.offsets = self._array(header["offsets"], np.int64).copy()
        self.values = self._array(header["values"], np.float16)

    def _array(self, entry: dict[str, Any], dtype: type) -> NDArray[Any]:
        start, end = entry["data_offsets"]
        flat: NDArray[Any] = np.frombuffer(
            self.map, dtype, (end - start) // np.dtype(dtype).itemsize, self._data_start + start
        )
        return flat.reshape(entry["shape"])

    def length(self, row: int) -> int:
        """How many vectors the ``row``-th record has."""
        return int(self.offsets[row + 1] - self.offsets[row])

    def record(self, row: int) -> NDArray[np.float16]:
        """The ``row``-th record, [length, …], as a view of the file."""
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    def release(self) -> None:
        """Give the pages that were read back to the operating system; they are read again when needed."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self.map.madvise(mmap.MADV_DONTNEED)


def write_shard(
    file: IO[bytes],
    keys: Sequence[str],
    records: Sequence[NDArray[np.float16]],
    description: dict[str, object],
) -> None:
    """Write the records of ``keys``; equal arguments give equal bytes.

    Args:
        file: open for writing.
        keys: hex SHA-256 of each input.
        records: [length, …] each; the length may be 0.
        description: what made the records.
    """
    filled = [np.ascontiguousarray(record) for record in records if len(record)]
    tail = filled[0].shape[1:] if filled else ()
    key_bytes = np.array([list(bytes.fromhex(key)) for key in keys], np.uint8)
    offsets = np.cumsum([0, *map(len, records)], dtype=np.int64)
    entries = [
        ("keys", "U8", key_bytes.shape, key_bytes.nbytes),
        ("offsets", "I64", offsets.shape, offsets.nbytes),
        ("values", "F16", (int(offsets[-1]), *tail), sum(record.nbytes for record in filled)),
    ]
    made_by = json.dumps(description, sort_keys=True)
    head = make_header(entries, {"made by": made_by, "sha256": NO_CHECKSUM.decode()})
    digest = sha256(head)
    blocks: list[NDArray[Any]] = [key_bytes, offsets, *filled]
    for block in blocks:
        digest.update(block.data)
    file.write(head.replace(NO_CHECKSUM, digest.hexdigest().encode(), 1))
    for block in blocks:
        file.write(block.data)


def verify(path: Path) -> None:
    """Compare a shard file with the checksum in its header.

    Raises:
        DamagedShardError: they differ, or there is no such header.
    """
    digest = sha256()
    with path.open("rb") as file:
        head = file.read(8)
        size = int.from_bytes(head, "little")
        if size > path.stat().st_size:
            raise DamagedShardError("its header is damaged")
        header = file.read(size)
        try:
            stored = str(json.loads(header)["__metadata__"]["sha256"]).encode()
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedShardError("its header is damaged") from error
        digest.update(head + header.replace(stored, NO_CHECKSUM, 1))
        while block := file.read(1 << 20):
            digest.update(block)
    if digest.hexdigest().encode() != stored:
        raise DamagedShardError("its content is not what was written")
