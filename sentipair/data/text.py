"""From bytes to clean text: decoding with repair, and the named, recorded steps of normalisation."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sentipair.errors import UserError

if TYPE_CHECKING:
    from sentipair.data.pair import Pair

NUMBER = "number"
"""What every number becomes in ``unify-numbers``: a word that every tokenizer knows."""

_LONE_NUMBER = re.compile(r"<num>|(?<!emoji )(?<!\w)\d+(?:[.,:/]\d+)*(?!\w)")
_PLACEHOLDER = re.compile(r"<(user|url)>")
_EMOJI_CODE = re.compile(r"\bemoji_(\d+)")


def collapse_blanks(text: str) -> str:
    """Every run of Unicode white space becomes one blank; none is left at the ends.

    HFM's double and trailing blanks give the sarcastic class away: three bits of them score .94 in accuracy.
    """
    return " ".join(text.split())


def unify_numbers(text: str) -> str:
    """Numbers that stand alone and HFM's ``<num>`` become one word; those in words (``ps4``, ``4th``) stay.

    HFM has ``<num>`` in the sarcastic class only and writes the numbers out in the other.
    """
    return _LONE_NUMBER.sub(NUMBER, text)


def spell_placeholders(text: str) -> str:
    """HFM's ``<user>``, ``<url>`` and ``emoji_92`` become ``user``, ``url`` and ``emoji 92``.

    WordPiece would cut them into up to five pieces. The emoji's number stays, because it tells emoji apart.
    """
    return _EMOJI_CODE.sub(r"emoji \1", _PLACEHOLDER.sub(r"\1", text))


def drop_hash(text: str) -> str:
    """Remove every ``#``: 66 % of HFM's sarcastic texts have one, 33 % of the others."""
    return text.replace("#", "")


TEXT_STEPS: dict[str, Callable[[str], str]] = {
    "collapse-blanks": collapse_blanks,
    "unify-numbers": unify_numbers,
    "spell-placeholders": spell_placeholders,
    "drop-hash": drop_hash,
}
"""Steps by name; each is pure, and applying it twice is the same as once."""


def normalise(text: str, steps: Iterable[str]) -> str:
    """Apply the named steps in order.

    Raises:
        UserError: a name is not in ``TEXT_STEPS``.
    """
    for step in steps:
        if step not in TEXT_STEPS:
            raise UserError(f"no text step {step!r}; choose from {', '.join(TEXT_STEPS)}")
        text = TEXT_STEPS[step](text)
    return text


def normalise_all(pairs: Iterable[Pair], steps: Sequence[str]) -> tuple[Pair, ...]:
    """The posts with their texts after the named steps; before a split is made, which compares texts.

    Raises:
        UserError: a name is not in ``TEXT_STEPS``.
    """
    return tuple(replace(pair, text=normalise(pair.text, steps)) for pair in pairs)


def truncation(count: int, limit: int) -> str:
    """What a person is told of a text of ``count`` tokens where ``limit`` are read."""
    return f"{count} tokens, the first {limit} are used"


def decode(raw: bytes, *, encoding: str | None = None) -> str:
    """Bytes of unsure encoding to text; never fails, and keeps emoji.

    Tried in order: UTF-16 where a byte order mark says so, UTF-8, ``encoding`` (the one that a data set was
    released in), and at last UTF-8 with each stretch that is not UTF-8 read as Windows-1252. UTF-8 that had
    been read as Windows-1252 before (``â€™`` for ``’``) is put right.
    """
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace")
    for strict in ("utf-8-sig", encoding):
        if strict is not None:
            try:
                return undo_mojibake(raw.decode(strict))
            except UnicodeDecodeError:
                continue
    return undo_mojibake(raw.decode("utf-8-sig", errors=STRETCHES))


def whole_characters(text: str) -> str:
    """Halves of surrogate pairs put together, or replaced where the other half is missing.

    JSON can hold them (a cut emoji), and so can the command line (bytes that are not UTF-8); UTF-8 cannot.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def undo_mojibake(text: str) -> str:
    """Reverse UTF-8 that was read as Windows-1252, wherever the characters leave no doubt.

    Only sequences are touched that decode as UTF-8 and that nobody writes: accented letters (``Ã©``),
    typographic signs (``â€™``) and emoji (``ðŸ˜‚``). ``CAFÉ…`` and ``é…”`` would decode too, but stay.
    """
    while (mended := _MOJIBAKE.sub(_mend, text)) != text:
        text = mended
    return text


def _windows_1252(raw: bytes) -> str:
    return "".join(bytes([b]).decode("cp1252" if b not in _UNDEFINED else "latin-1") for b in raw)


def _mend(match: re.Match[str]) -> str:
    raw = bytes(_BYTE_OF[character] for character in match[0])
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return match[0]


def _read_stretch(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return _windows_1252(error.object[error.start : error.end]), error.end


_UNDEFINED = b"\x81\x8d\x8f\x90\x9d"  # the five bytes that Windows-1252 leaves open
_BYTE_OF = {_windows_1252(bytes([b])): b for b in range(0x80, 0x100)}
_CONTINUATION = "[" + "".join(re.escape(c) for c, b in _BYTE_OF.items() if b < 0xC0) + "]"
_MOJIBAKE = re.compile(rf"[ÂÃ][\xa0-\xbf]|[âï]{_CONTINUATION}{{2}}|ðŸ{_CONTINUATION}{{2}}")
STRETCHES = "sentipair-windows-1252"
"""The error handler that reads what is not UTF-8 as Windows-1252."""

codecs.register_error(STRETCHES, _read_stretch)
