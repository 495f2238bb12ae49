"""Figures show the numbers they are given; the style keeps colours apart and pages clean."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from sentipair.evaluation.geometry import embedding_distances
from sentipair.reporting.figures import (
    confusion_figure,
    curves_figure,
    distances_figure,
    plane_figure,
    seeds_figure,
    shorten,
)
from sentipair.reporting.style import CLASS_COLOURS, DARK, LIGHT, class_colour, class_marker, to_svg


def texts(svg):
    return [
        "".join(node.itertext()) for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("text")
    ]


def luminance(colour):
    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot(channels, (0.2126, 0.7152, 0.0722)))


def contrast(first, second):
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_confusion_figure_prints_counts_and_row_shares():
    svg = to_svg(confusion_figure([[30, 10], [0, 0]], ["no", "yes"]), name="x", label="l")
    assert [text for text in texts(svg) if text[0].isdigit()] == [
        "30", "75 %", "10", "25 %", "0", "0 %", "0", "0 %",
    ]  # fmt: skip


@pytest.mark.parametrize("number", [2, 3, 12])
def test_confusion_figure_takes_any_number_of_classes(number):
    figure = confusion_figure(
        np.eye(number, dtype=int).tolist(), [f"class number {i}" for i in range(number)]
    )
    assert len(figure.axes[0].patches) == number**2


def test_curves_mark_the_best_epoch_and_keep_the_values():
    curves = {"accuracy": ([1, 2, 3], [0.1, 0.5, 0.4]), "loss": ([1, 3], [2.0, 1.0])}
    figure = curves_figure(curves, best_epoch=2, dashed=("loss",))
    accuracy, loss, best = figure.axes[0].lines
    assert accuracy.get_ydata().tolist() == [0.1, 0.5, 0.4]
    assert loss.get_linestyle() == "--"
    assert list(best.get_xdata()) == [2, 2]
    assert "epoch 2" in texts(to_svg(figure, name="x", label="l"))


def test_distances_figure_has_a_panel_per_stage():
    values = np.random.default_rng(0).normal(size=(20, 4))
    distances = embedding_distances(labels=np.arange(20) % 2, image=values)["IID"]
    assert len(distances_figure(None, distances, label="d").axes) == 1
    assert len(distances_figure(distances, distances, label="d").axes) == 2
    one_class = embedding_distances(labels=np.zeros(20, int), image=values)["IID"]
    assert len(distances_figure(None, one_class, label="d").axes[0].lines) == 1


def test_plane_figure_draws_every_point_once():
    plane = np.random.default_rng(0).normal(size=(30, 2))
    labels, predictions = np.arange(30) % 3 - 1, np.arange(30) % 2
    figure = plane_figure(plane, labels, predictions, ("a", "b"))
    drawn = np.concatenate([points.get_offsets() for points in figure.axes[0].collections])
    np.testing.assert_allclose(sorted(map(tuple, drawn)), sorted(map(tuple, plane)))
    hollow = [len(p.get_offsets()) for p in figure.axes[0].collections if not p.get_facecolor().any()]
    assert sum(hollow) == sum((labels >= 0) & (labels != predictions))


def test_seeds_figure_shows_seeds_mean_interval_and_floor():
    figure = seeds_figure(
        {"Accuracy": [0.6, 0.8]}, intervals={"Accuracy": (0.5, 0.9)}, floors={"Accuracy": 0.4}
    )
    dots, interval, mean, floor = (list(map(float, line.get_xdata())) for line in figure.axes[0].lines)
    assert (dots, interval, floor) == ([0.6, 0.8], [0.5, 0.9], [0.4, 0.4])
    assert mean == pytest.approx([0.7])


def test_two_figures_share_no_id_and_follow_the_theme():
    curves = {"a": ([1, 2], [0.0, 1.0])}
    ids = []
    for name in ("one", "two"):
        svg = to_svg(curves_figure(curves, best_epoch=1), name=name, label='a "quoted" <label>')
        ids.append({node.get("id") for node in ElementTree.fromstring(svg).iter() if node.get("id")})
        assert not any(colour in svg for colour in LIGHT.values())
        assert "var(--class-0)" in svg
        assert "<style" not in svg
    assert not ids[0] & ids[1]


def test_drawing_leaves_matplotlib_settings_alone():
    before = dict(matplotlib.rcParams)
    to_svg(curves_figure({"a": ([1], [1.0])}), name="x", label="l")
    assert dict(matplotlib.rcParams) == before


def test_the_same_figure_gives_the_same_bytes():
    one, two = (to_svg(confusion_figure([[1]], ["a"]), name="x", label="l") for _ in range(2))
    assert one == two


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_palettes_are_readable_and_their_colours_distinct(palette):
    assert palette.keys() == LIGHT.keys()
    assert len(set(palette.values())) == len(palette)
    for ground in ("card", "page"):
        assert contrast(palette["ink"], palette[ground]) > 7
        for role in ("muted", "floor", "accent"):
            assert contrast(palette[role], palette[ground]) > 4.5


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_the_first_three_classes_survive_red_green_blindness(palette):
    """Colours as a deuteranope sees them (Viénot et al. 1999, linear RGB) stay well apart."""
    see = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])
    seen = [see @ np.power(to_rgb(palette[name]), 2.2) for name in CLASS_COLOURS[:3]]
    for first, second in itertools.combinations(seen, 2):
        apart = np.power(np.clip(first, 0, 1), 1 / 2.2) - np.power(np.clip(second, 0, 1), 1 / 2.2)
        assert np.linalg.norm(apart) > 0.2


def test_sixteen_classes_look_different():
    assert len({(class_colour(i), class_marker(i)) for i in range(16)}) == 16


def test_long_names_are_shortened():
    assert shorten("negative") == "negative"
    assert shorten("a" * 40) == "a" * 17 + "…"
