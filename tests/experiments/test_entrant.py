"""How a benchmark names its models."""

from __future__ import annotations

from pathlib import Path

import pytest

from sentipair.errors import UserError
from sentipair.experiments.entrant import Entrant


@pytest.mark.parametrize(
    ("name", "model", "fidelity", "plugins"),
    [
        ("itin", "itin", "sound", ()),
        ("itin:published", "itin", "published", ()),
        ("itin+rationales", "itin", "sound", ("rationales",)),
        ("itin:published+rationales", "itin", "published", ("rationales",)),
        ("itin+rationales+ensemble", "itin", "sound", ("rationales", "ensemble")),
    ],
)
def test_what_a_name_says(name: str, model: str, fidelity: str, plugins: tuple[str, ...]) -> None:
    entrant = Entrant.parse(name)
    assert (entrant.name, entrant.model) == (name, model)
    assert (entrant.fidelity, entrant.plugins) == (fidelity, plugins)


@pytest.mark.parametrize("name", ["itin+rationale", "itin+", "itin+rationales+rationales"])
def test_another_plug_in_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"the plug-ins are itin\+rationales and itin\+ensemble"):
        Entrant.parse(name)


def test_the_plug_in_comes_with_rationales(tmp_path: Path) -> None:
    plain, with_it = (Entrant.parse(name).configure("mvsa-single") for name in ("itin", "itin+rationales"))
    assert (plain.plugins.rationales, plain.data.rationales) == (False, None)
    assert (with_it.plugins.rationales, with_it.data.rationales) == (True, "lexicon")
    table = tmp_path / "rationales.tsv"
    other = Entrant.parse("itin+rationales").configure("mvsa-single", overrides=[f"data.rationales={table}"])
    assert other.data.rationales == str(table)


def test_an_ensemble_has_five_members_with_or_without_rationales() -> None:
    names = ("itin+ensemble", "itin+rationales+ensemble")
    found = [Entrant.parse(name).configure("mvsa-single").plugins for name in names]
    assert [(each.ensemble, each.rationales) for each in found] == [(5, False), (5, True)]


def test_results_of_the_paper_belong_to_the_model_alone() -> None:
    assert Entrant.parse("itin").published("mvsa-single")["accuracy"] == 0.7519
    assert Entrant.parse("itin+rationales").published("mvsa-single") == {}
