"""Decoding with repair, and the steps of normalisation."""

from __future__ import annotations

import pytest

from sentipair.data.text import TEXT_STEPS, decode, normalise, undo_mojibake
from sentipair.errors import UserError

AWKWARD = [
    "",
    "   ",
    "a  b ",
    "<user> pays <num> of 8,000 at 7:30 for ps4 and the 4th",
    "## #tag # # emoji_92 emoji_3 3",
    "emoji 92 92 emoji_92",
    "12/13.5:00 -5 +7 100%",
    "1 2 3",
    "<<num>> emoji_emoji_5 <user><url>",
    "\u3000日本\u2003語\x0b\u00a0x\u2028y",
    "😂👍🏽 été",
    "x" * 100_000,
]


@pytest.mark.parametrize("step", list(TEXT_STEPS))
@pytest.mark.parametrize("text", AWKWARD, ids=range(len(AWKWARD)))
def test_every_step_is_idempotent(step: str, text: str) -> None:
    once = TEXT_STEPS[step](text)
    assert TEXT_STEPS[step](once) == once


@pytest.mark.parametrize("text", AWKWARD, ids=range(len(AWKWARD)))
def test_the_steps_for_hfm_are_idempotent_together(text: str) -> None:
    steps = ("unify-numbers", "spell-placeholders", "collapse-blanks")
    once = normalise(text, steps)
    assert normalise(once, steps) == once


@pytest.mark.parametrize(
    ("step", "text", "expected"),
    [
        ("collapse-blanks", " a \u3000\u00a0 b\t\r\nc ", "a b c"),
        ("collapse-blanks", "zero\u200bwidth 👩\u200d👧", "zero\u200bwidth 👩\u200d👧"),
        ("unify-numbers", "2 of <num>, 8,000 at 7:30", "number of number, number at number"),
        ("unify-numbers", "ps4 4th emoji_92 election2016", "ps4 4th emoji_92 election2016"),
        ("unify-numbers", "94-90 and 1/2.", "number-number and number."),
        ("unify-numbers", "emoji 92 but 92", "emoji 92 but number"),
        ("spell-placeholders", "<user> emoji_92 emoji_1 <url>", "user emoji 92 emoji 1 url"),
        ("spell-placeholders", "<3 <facepalm>", "<3 <facepalm>"),
        ("drop-hash", "# tag #x", " tag x"),
    ],
)
def test_what_a_step_does(step: str, text: str, expected: str) -> None:
    assert normalise(text, [step]) == expected


def test_steps_apply_in_the_order_given() -> None:
    assert normalise(" 1 # 2 ", ["drop-hash", "unify-numbers", "collapse-blanks"]) == "number number"
    assert normalise("# a", ["collapse-blanks", "drop-hash"]) == " a"


def test_an_unknown_step_is_one_clear_line() -> None:
    with pytest.raises(UserError, match=r"no text step 'lower'; choose from collapse-blanks, .*drop-hash$"):
        normalise("x", ["lower"])


@pytest.mark.parametrize("text", ["plain", "été — “ok”…", "😂👍🏽👩‍👧 🇫🇷", "日本語", "\u2028"])
def test_utf8_comes_back_unchanged(text: str) -> None:
    assert decode(text.encode()) == text
    assert decode(b"\xef\xbb\xbf" + text.encode()) == text
    assert decode(text.encode("utf-16")) == text


def test_only_the_stretches_that_are_not_utf8_are_repaired() -> None:
    assert decode("😂 caf".encode() + b"\xe9 \x93ok\x94 " + "été".encode()) == "😂 café “ok” été"
    assert decode(b"\x81\x8d") == "\x81\x8d"  # undefined in Windows-1252


def test_the_encoding_of_the_release_is_used_where_the_bytes_are_not_utf8() -> None:
    text = "まで… ‘あ’ é"
    assert decode(text.encode("gb18030"), encoding="gb18030") == text
    assert decode(text.encode("utf-8"), encoding="gb18030") == text
    assert decode(b"caf\xe9", encoding="gb18030") == "café"  # a lone lead byte is no GB 18030 either


@pytest.mark.parametrize("text", ["it’s", "“ok” — 5 £", "café à la", "😂 ❤️", "½ ° ©", "…"])
def test_mojibake_is_undone_also_when_done_twice(text: str) -> None:
    def garble(good: str) -> str:
        return "".join(
            bytes([b]).decode("cp1252") if b not in b"\x81\x8d\x8f\x90\x9d" else chr(b) for b in good.encode()
        )

    assert garble(text) != text
    assert undo_mojibake(garble(text)) == text
    assert decode(garble(text).encode()) == text


@pytest.mark.parametrize(
    "text", ["CAFÉ…", "«é…”»", "MANHÃ…", "SÃO", "Île", "naïve", "âge’", "ðŸ", "É‰", "¯500"]
)
def test_what_people_do_write_is_left_alone(text: str) -> None:
    assert undo_mojibake(text) == text
