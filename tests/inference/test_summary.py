"""Counting verdicts: what is counted once, examples, days, groups, and the figures that are drawn from them."""

from __future__ import annotations

import datetime
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sentipair.inference.charts import by_period
from sentipair.inference.page import write_report
from sentipair.inference.source import Chunk
from sentipair.inference.summary import EXCERPT, GROUPS, OTHERS, Tally, day_of
from sentipair.inference.verdicts import Verdict

CLASSES = ("good", "bad")


def tally_of(rows: list[tuple[dict[str, Any], Verdict]], **columns: str) -> Tally:
    tally = Tally(CLASSES, names={"text": "text"}, **columns)  # type: ignore[arg-type]
    tally.add(Chunk(1, [row for row, _ in rows], None), [verdict for _, verdict in rows])
    return tally


def said(share: float, text_alone: str | None = None, image_alone: str | None = None, **more: Any) -> Verdict:
    label = "good" if share >= 0.5 else "bad"
    conflict = bool(text_alone and image_alone and text_alone != image_alone)
    return Verdict([share, 1 - share], label, text_alone, image_alone, conflict, **more)


def test_every_row_is_counted_once() -> None:
    rows = [
        ({"text": "a"}, said(0.9, "good", "bad")),
        ({"text": "b"}, said(0.2, "bad", "bad", truncated=True)),
        ({"text": "c"}, said(0.6, "good", problem="no picture at x")),
        ({"text": "d"}, Verdict([0.5, 0.5], None)),
        ({"text": ""}, Verdict(problem="neither a text nor a picture")),
    ]
    report = tally_of(rows).report()
    assert report.counts == {"good": 2, "bad": 1}
    facts = (report.rows, report.abstained, report.conflicts, report.left_out)
    assert facts == (5, 1, 1, 1)
    assert (report.without_picture, report.truncated, report.has_problems) == (1, 1, True)
    assert [(name, [one.row for one in found]) for name, found in report.examples.items()] == [
        ("good", [1, 3]),
        ("bad", [2]),
        ("conflict", [1]),
    ]


def test_the_surest_rows_are_shown_each_text_once() -> None:
    rows = [({"text": f"text {i % 7} " + "x" * 200}, said(0.5 + (i * 37 % 50) / 100)) for i in range(50)]
    shown = tally_of(rows).report().examples["good"]
    shares = {i: 0.5 + (i * 37 % 50) / 100 for i in range(50)}
    best = max(shares, key=shares.__getitem__)
    assert shown[0].row == best + 1
    assert [one.confidence for one in shown] == sorted((one.confidence for one in shown), reverse=True)
    assert len({one.text for one in shown}) == 3
    assert all(len(one.text) <= EXCERPT for one in shown)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-02-29", date(2024, 2, 29)),
        (" 2024-02-29T23:59:59+02:00 ", date(2024, 2, 29)),
        ("2024-02-29 10:00", date(2024, 2, 29)),
        ("Wed Oct 10 20:19:24 +0000 2018", date(2018, 10, 10)),
        (date(2024, 1, 2), date(2024, 1, 2)),
        (datetime.datetime(2024, 1, 2, 3), date(2024, 1, 2)),
        ("5.6.2024", date(2024, 6, 5)),
        ("15.06.2024 10:00", date(2024, 6, 15)),
        ("31.2.2024", None),
        ("2023-02-29", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (17, None),
    ],
)
def test_days(value: Any, expected: date | None) -> None:
    assert day_of(value) == expected


@pytest.mark.parametrize(
    ("last", "period", "starts"),
    [
        (date(2024, 1, 31), "day", 2),
        (date(2024, 3, 31), "week", 9),
        (date(2025, 2, 28), "month", 14),
        (date(2034, 1, 1), "year", 11),
    ],
)
def test_periods_suit_the_time_between_and_have_no_gaps(last: date, period: str, starts: int) -> None:
    first = date(2024, 1, 30)
    name, periods = by_period({(first, "good"): 2, (last, "bad"): 3})
    assert (name, len(periods)) == (period, starts)
    found = list(periods)
    assert found == sorted(found)
    assert found[0] <= first
    assert found[-1] <= last
    assert (periods[found[0]]["good"], periods[found[-1]]["bad"]) == (2, 3)


def test_what_is_kept_of_groups_is_bounded() -> None:
    rows: list[tuple[dict[str, Any], Verdict]] = [
        ({"text": "", "who": i % (GROUPS + 50)}, said(0.9)) for i in range(2 * GROUPS)
    ]
    tally = tally_of([({"text": "", "who": None}, said(0.9)), *rows], group="who")
    assert len(tally.groups) == GROUPS + 1
    assert sum(tally.groups.values()) == 2 * GROUPS + 1
    assert tally.groups[OTHERS, "good"] == 51
    assert tally.groups["–", "good"] == 1


def test_a_page_of_many_groups_names_the_largest(tmp_path: Path) -> None:
    rows: list[tuple[dict[str, Any], Verdict]] = [
        ({"text": "a & b", "who": f"group {i}"}, said(0.9 if j % 2 else 0.1, "good", "bad"))
        for i in range(20)
        for j in range(i + 1)
    ]
    tally = tally_of([*rows, ({"text": "", "who": ""}, Verdict([0.5, 0.5], None))], group="who")
    text = write_report(tmp_path / "page.html", tally, source="posts", model="late-fusion").read_text("utf-8")
    assert "The 12 largest of 21 groups." in text
    assert "group 19  (20)" in text
    assert "group 7  (8)" not in text
    assert "a &amp; b" in text
    assert "no answer" in text


def test_a_page_of_nothing_says_so(tmp_path: Path) -> None:
    tally = tally_of([({"text": "", "at": "x"}, Verdict(problem="neither"))], date="at")
    text = write_report(tmp_path / "page.html", tally, source="posts", model="m").read_text("utf-8")
    assert "No row could be scored" in text
    assert "No row has a date" in text
