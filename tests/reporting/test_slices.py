"""The table of slices: what a run or a summary says, grouped, with gaps where there is nothing to say."""

from __future__ import annotations

import json
import re

import pytest

from sentipair.reporting import write_report
from sentipair.reporting.slices import of_seed, of_seeds


def rows_of(shown):
    return {(title, row.name): row for title, rows in shown.groups for row in rows}


def section(page):
    return re.search(r'<section id="slices">.*?</section>', page.read_text(), re.DOTALL).group(0)


def test_the_slices_of_a_seed(make_run):
    folder = make_run(embeddings=False)
    split = json.loads((folder / "result.json").read_text())["splits"]["test"]
    shown = of_seed(split)
    assert [title for title, _ in shown.groups] == [
        "True class",
        "Words of the text",
        "Withheld from the model",
    ]
    assert shown.overall == split["metrics"]["accuracy"]
    rows = rows_of(shown)
    for score in split["slices"]:
        (row,) = (row for row in rows.values() if row.name == score["name"])
        assert (row.count, row.accuracy, row.weighted_f1) == (
            score["count"],
            score["accuracy"],
            score["weighted_f1"],
        )
        assert row.interval == score["interval"]
        assert row.dots == ()
    source = section(write_report(folder))
    assert source.count('class="interval"') == sum(score["interval"] is not None for score in split["slices"])
    assert source.count('class="overall"') == len(split["slices"])
    assert f"accuracy on all posts, {shown.overall:.3f}" in source


def test_an_empty_slice_says_that_it_is_empty(make_run):
    source = section(write_report(make_run(embeddings=False)))
    empty = re.search(r"<th>over 20</th>.*?</tr>", source, re.DOTALL).group(0)
    assert re.findall(r"<td>(.*?)</td>", empty) == ["–", "–", "–", "0"]
    assert 'class="dot"' not in empty


def test_the_slices_of_several_seeds(make_seeds):
    folder = make_seeds(seeds=3, embeddings=False)
    summary = json.loads((folder / "summary.json").read_text())
    rows = rows_of(of_seeds(summary))
    for score in summary["slices"]:
        (row,) = (row for row in rows.values() if row.name == score["name"])
        if score["accuracy"] is None:
            assert (row.accuracy, row.spread, row.dots) == (None, None, ())
            continue
        assert row.accuracy == pytest.approx(sum(row.dots) / 3)
        assert row.spread == score["accuracy"]["sd"]
        assert row.interval is None
    source = section(write_report(folder))
    assert source.count('class="seed dot"') == 3 * sum(row.accuracy is not None for row in rows.values())


def test_one_seed_has_no_spread(make_seeds):
    folder = make_seeds(seeds=1, embeddings=False)
    assert "±" not in section(write_report(folder))


def test_without_slices_there_is_no_section(make_run):
    assert of_seed({"metrics": {"accuracy": 0.5}}) is None
    assert of_seeds({"test": {}}) is None
    folder = make_run(labelled=False, embeddings=False)
    assert 'id="slices"' not in write_report(folder).read_text()
