"""What a page says of batching, looks and controls."""

from __future__ import annotations

import json

import pytest

from sentipair.reporting import write_report
from sentipair.reporting.checks import checks, controls
from sentipair.reporting.run import SeedRun

SCORES = {"accuracy": 0.5, "weighted_f1": 0.4, "macro_f1": 0.3}


def run_with(folder, flips, *, looks=1, conditions=True):
    folder.mkdir()
    test = {"metrics": SCORES, "flips": flips, "looks": looks}
    if conditions:
        test["conditions"] = {name: {**SCORES, "accuracy": 0.5 - share} for name, share in flips.items()}
    (folder / "result.json").write_text(json.dumps({"splits": {"test": test}}))
    return SeedRun(folder)


def test_over_seeds_the_largest_share_and_mean_scores(tmp_path):
    runs = [
        run_with(tmp_path / "a", {"shuffled": 0.1, "padding +50": 0.0}),
        run_with(tmp_path / "b", {"shuffled": 0.2, "padding +50": 0.0}, looks=3),
    ]
    found = checks(runs)
    assert found["flips"] == {"shuffled": 0.2, "padding +50": 0.0}
    assert found["looks"] == [1, 3]
    assert "20.0 %" in found["warning"]
    assert [row["name"] for row in found["conditions"]] == ["batch size 64", "shuffled", "padding +50"]
    assert [row["accuracy"] for row in found["conditions"]] == pytest.approx([0.5, 0.35, 0.5])


def test_a_sound_model_gets_neither_warning_nor_table(tmp_path):
    found = checks([run_with(tmp_path / "a", {"shuffled": 0.0})])
    assert found["warning"] is None
    assert found["conditions"] == []


def test_without_a_test_set_there_is_nothing_to_say(tmp_path):
    assert checks([SeedRun(tmp_path)]) == {"flips": {}, "looks": [], "warning": None, "conditions": []}


def test_controls_stand_above_the_model():
    table = controls({"majority": SCORES, "all": SCORES}, {**SCORES, "accuracy": 0.9, "extra": 1})
    assert list(table["rows"]) == ["majority", "all", "this model"]
    assert table["rows"]["this model"]["accuracy"] == 0.9
    assert list(table["columns"]) == list(SCORES)
    assert controls({}, SCORES) is None
    assert controls({"majority": SCORES}, {}) is None


def test_a_page_shows_controls_warning_and_scores_under_each_condition(make_run):
    folder = make_run(embeddings=False, pictures=False)
    result = json.loads((folder / "result.json").read_text())
    test = result["splits"]["test"]
    test["flips"]["shuffled"] = 0.124
    test["conditions"] = {name: {**SCORES, "accuracy": 0.4321} for name in test["flips"]}
    result["controls"] = {"majority": {"test": SCORES}, "blanks": {"test": {**SCORES, "accuracy": 0.8765}}}
    (folder / "result.json").write_text(json.dumps(result))
    page = write_report(folder).read_text()
    assert "On test, up to 12.4 % of the predictions depend on the batch or its padding" in page
    assert "<td>12.4 %</td><td>0.432</td>" in page
    assert "<tr><th>blanks</th><td>0.876</td>" in page or "<tr><th>blanks</th><td>0.877</td>" in page
    assert "<tr><th>this model</th>" in page
