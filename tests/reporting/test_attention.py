"""Shaded words and numbered regions in the run report."""

from __future__ import annotations

import json

import pytest

from sentipair.reporting import write_report
from sentipair.reporting.attention import attention, outline, shade_words
from sentipair.reporting.run import SeedRun


def test_words_are_cut_at_their_places():
    words = shade_words("a bad,  day and more", [(0, 1, 0.1), (2, 5, 0.4), (5, 6, 0.0), (8, 11, 0.2)])
    assert [word.text for word in words] == ["a", " ", "bad", ",", "  ", "day", " …"]
    assert [word.shade for word in words] == [0.25, None, 1.0, 0.0, None, 0.5, None]  # from 0 to 0.4
    assert words[2].weight == 0.4


def test_a_character_of_many_tokens_is_shown_once_and_no_text_is_no_words():
    assert [word.text for word in shade_words("🎉!", [(0, 1, 0.5), (0, 1, 0.3), (1, 2, 0.2)])] == ["🎉", "!"]
    assert shade_words("", []) == ()
    assert shade_words("x", [(0, 1, 0.5)])[0].shade == 1.0


def test_the_heaviest_areas_are_numbered():
    rows = [(0.0, 0.0, 0.5, 0.5, w) for w in (0.1, 0.5, 0.2, 0.2, 0.1)]
    areas = outline(rows, [0.9, 0.8, 0.7, 0.6, 0.5])
    assert [area.number for area in areas] == [None, 1, 2, 3, None]
    assert [area.shade for area in areas] == pytest.approx([0.0, 1.0, 0.25, 0.25, 0.0])
    assert areas[1].box == (0.0, 0.0, 50.0, 50.0)
    assert [area.gate for area in areas] == [0.9, 0.8, 0.7, 0.6, 0.5]
    assert outline(rows, [])[0].gate is None
    assert outline((), [1.0]) == ()


def entry(post, **more):
    words = [[0, 3, 0.25], [4, 7, 0.75]]
    regions = [[0.0, 0.0, 0.5, 1.0, 0.625], [0.5, 0.0, 1.0, 1.0, 0.375]]
    return {"id": post, "words": words, "regions": regions, "weights": {"gates": [0.512, 0.498]}, **more}


def test_the_posts_of_a_run_are_shown(make_run):
    run = SeedRun(make_run(rows=20))
    posts = [entry("test-0"), entry("test-8", weights={"modalities": [0.125, 0.875]}), entry("stranger")]
    (run.folder / "attention-test.json").write_text(json.dumps({"posts": posts}))
    shown = attention(run, run.predictions("test"))
    assert [one.post.id for one in shown] == ["test-0", "test-8"]
    assert [area.number for area in shown[0].listed] == [1, 2]
    assert shown[0].picture
    assert shown[1].picture is None  # a picture that cannot be read
    page = write_report(run.folder).read_text(encoding="utf-8")
    assert "What the model looked at" in page
    assert 'var(--floor) 55%, transparent)" title="0.750">' in page
    assert "0.625, gate 0.512" in page
    assert "modalities" in page
    assert 'class="named">1</i>' in page


def test_a_run_without_weights_has_no_such_part(make_run):
    page = write_report(make_run(rows=20)).read_text(encoding="utf-8")
    assert "What the model looked at" not in page
