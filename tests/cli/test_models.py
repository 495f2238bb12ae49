"""``sentipair models``: what is printed is what is registered."""

from __future__ import annotations

from typing import Any

from sentipair.models import list_models, model_class


def test_every_model_is_listed_with_needs_and_citation(sentipair: Any) -> None:
    rows = sentipair("models", "--json").json
    assert [row["name"] for row in rows] == list_models()
    for row in rows:
        assert row["citation"] == model_class(row["name"]).citation
        assert row["needs"] == [repr(spec) for spec in model_class(row["name"])().requires]
        assert "classes" in row["settings"]
    shown = sentipair("models", "spp*").out.split()
    assert {"spp-scl", "needs", "settings", "cite", "dropout=0.2,"} <= set(shown)


def test_a_model_that_needs_nothing_says_so(sentipair: Any) -> None:
    words = sentipair("models", "majority").out.split()
    assert words[words.index("needs") + 1] == "nothing"
    assert words[words.index("adapted") + 1] == "no"


def test_what_departs_from_its_paper_says_how(sentipair: Any) -> None:
    shown = " ".join(sentipair("models", "se-mlnn").out.split())
    assert "adapted One image vector from the run's encoder" in shown
