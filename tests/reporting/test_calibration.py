"""The calibration section shows the numbers of the run, and draws any of them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sentipair.evaluation.calibration import describe_calibration, fit_temperature, reliability_bins
from sentipair.reporting import write_report
from sentipair.reporting.calibration import calibration, mean_calibration, reliability_figure, risk_figure
from sentipair.reporting.style import LIGHT


def described(logits, targets):
    logits, targets = np.array(logits, float), np.array(targets)
    return {
        "calibration": describe_calibration(logits, targets, temperature=fit_temperature(logits, targets))
    }


def test_the_scores_before_and_after_stand_in_the_page(make_run):
    folder = make_run(embeddings=False)
    found = json.loads((folder / "result.json").read_text())["splits"]["test"]["calibration"]
    page = write_report(folder).read_text()
    for stage in ("before", "after"):
        for name in ("ece", "brier", "nll"):
            assert f"<td>{found[stage][name]:.3f}</td>" in page
    assert "temperature 1.62" in page
    assert f"(AURC): {found['aurc']:.3f}" in page


def test_a_run_without_calibration_has_no_section(make_run):
    folder = make_run(embeddings=False)
    result = json.loads((folder / "result.json").read_text())
    for split in result["splits"].values():
        del split["calibration"]
    (folder / "result.json").write_text(json.dumps(result))
    assert 'id="calibration"' not in write_report(folder).read_text()
    assert calibration({}, where="test") is None


def test_a_diagram_has_a_bar_and_its_gap_per_bin_in_use():
    generator = np.random.default_rng(0)
    logits, targets = generator.normal(size=(200, 3)), generator.integers(3, size=200)
    bins = reliability_bins(logits, targets)
    figure = reliability_figure({"one": bins, "two": bins})
    used = [row for row in bins if row["count"]]
    diagrams, histograms = figure.axes[:2], figure.axes[2:]
    for axes in diagrams:
        assert [bar.get_height() for bar in axes.patches[::2]] == [row["accuracy"] for row in used]
        for gap, row in zip(axes.patches[1::2], used, strict=True):
            ends = (gap.get_y(), gap.get_y() + gap.get_height())
            assert ends == pytest.approx(sorted((row["accuracy"], row["confidence"])))
        faint = [bar.get_alpha() < 0.4 for bar in axes.patches[::2]]
        assert faint == [row["count"] < 10 for row in used]
    for axes in histograms:
        assert sum(bar.get_height() for bar in axes.patches) == 200


def test_risk_is_drawn_up_to_the_error_of_all():
    axes = risk_figure([[0.25, 0.0], [0.5, 0.1], [1.0, 0.4]]).axes[0]
    random, curve = axes.lines
    assert list(random.get_ydata()) == [0.4, 0.4]
    assert curve.get_xydata().tolist() == [[0.25, 0.0], [0.5, 0.1], [1.0, 0.4]]
    assert curve.get_color() == LIGHT["accent"]


@pytest.mark.parametrize(
    ("logits", "targets"),
    [([[1, 0]], [0]), ([[1, 0]], [1]), ([[9, 0], [0, 9]], [0, 1]), ([[0, 0, 0]] * 4, [0, 1, 2, 0])],
)
def test_any_split_can_be_drawn(logits, targets):
    drawn = calibration(described(logits, targets), where="test")
    assert "<svg" in drawn.reliability.svg
    assert "<svg" in drawn.risk.svg
    assert drawn.rows[0]["title"] == "as trained"


def test_seeds_are_pooled_as_one_model_with_all_their_answers():
    generator = np.random.default_rng(0)
    targets = generator.integers(3, size=150)
    logits = [3 * generator.normal(size=(150, 3)) for _ in range(3)]
    seeds = [
        {"calibration": describe_calibration(each, targets, temperature=1.0)}  # bins of seeds differ in size
        for each in logits
    ]
    found = mean_calibration(seeds)
    together = describe_calibration(np.concatenate(logits), np.tile(targets, 3), temperature=1.0)
    drawn = calibration({"calibration": together}, where="test, 3 seeds together")
    assert found.reliability.svg == drawn.reliability.svg  # the same bars to the last digit that is drawn
    for name in ("brier", "nll"):
        assert found.rows[0][name] == pytest.approx(together["before"][name])
    assert f"{np.mean([each['calibration']['aurc'] for each in seeds]):.3f}" in found.risk.caption
    assert mean_calibration([{}, {}]) is None
