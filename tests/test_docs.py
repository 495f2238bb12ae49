"""The site builds without warnings, its tutorials run, its commands exist, its lists say what the registries say."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from sentipair.data import all_readers
from sentipair.models import list_models, model_class

from .pages import ROOT, blocks, commands, parse, run

DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
RUNNING = sorted([*(DOCS / "tutorials").glob("*.md"), DOCS / "guides" / "explain.md"])


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", RUNNING, ids=named)
@pytest.mark.slow
def test_a_page_runs_as_it_stands(
    page: Path, tmp_path: Path, feature_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    feature_folder.mkdir(exist_ok=True)
    Path("runs").mkdir()
    Path("runs/features").symlink_to(feature_folder)  # all draw the same posts: they are encoded once
    names: dict[str, object] = {}
    for block in blocks(page, "python", "sh"):
        run(block, names)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_exists_with_its_options(page: Path) -> None:
    for block in blocks(page, "sh", "console"):
        for words in commands(block):
            parse(words)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("predikt photo.jpg", "predikt"),
        ("data chekc posts.csv", "chekc"),
        ("predict --inptu posts.csv", "--inptu"),
        ("train spp-scl --seeds many", "integer"),
        ("explain --method magic", "magic"),
    ],
)
def test_a_command_that_does_not_exist_is_noticed(line: str, named: str) -> None:
    with pytest.raises(Exception, match=named):
        parse(line.split())


@pytest.fixture(scope="module")
def catalogue() -> ModuleType:
    """The hook that makes lists from the registries."""
    pytest.importorskip("mkdocs", reason='the site needs pip install "sentipair[docs]"')
    spec = importlib.util.spec_from_file_location("catalogue", DOCS / "hooks" / "catalogue.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sections(page: str) -> dict[str, str]:
    """The parts of a page by their heading."""
    _, *parts = re.split(r"^## ", page, flags=re.MULTILINE)
    return {heading: text for heading, _, text in (part.partition("\n") for part in parts)}


def test_every_system_is_told_of(catalogue: ModuleType) -> None:
    found = sections(catalogue.systems())
    assert len(found) == len(list_models())
    for name in list_models():
        model = model_class(name)
        mark = " †" if model.adapted else ""
        text = found[f"{model.title}{mark} {{ #{name} }}"]
        assert model.citation in text
        assert f"paper**: {model.adapted or 'no'}" in text


def test_published_results_stand_with_their_system(catalogue: ModuleType) -> None:
    found = sections(catalogue.systems())
    spp_scl = next(text for heading, text in found.items() if "#spp-scl" in heading)
    assert "| mvsa-single | paper | 0.813 | 0.801 | – | – |" in spp_scl
    assert "| hfm | paper | 0.947 | – | 0.945 | – |" in spp_scl
    assert "| published on" not in next(text for heading, text in found.items() if "#majority" in heading)


def test_every_data_set_is_told_of(catalogue: ModuleType) -> None:
    found = sections(catalogue.data_sets())
    assert list(found) == [*all_readers(), "Label rules", "Text steps"]
    assert "| clmlf | 3,611 | 450 | 450 |" in found["mvsa-single"]
    assert "published split" not in found["memotion"]
    assert "`agree-only`" in found["Label rules"]


def test_every_command_is_told_of(catalogue: ModuleType) -> None:
    page = catalogue.commands()
    assert "## `sentipair predict`" in page
    assert "### `sentipair data check`" in page
    assert "`--threshold" in page


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    for package in ("mkdocs", "material", "mkdocstrings"):
        pytest.importorskip(package, reason='the site needs pip install "sentipair[docs]"')
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.slow
def test_the_site_builds_without_warnings_and_has_every_page(site: Path) -> None:
    for page in DOCS.rglob("*.md"):
        name = page.relative_to(DOCS).with_suffix(".html").as_posix().replace("README", "index")
        assert (site / name).is_file(), f"{name} is not in the site"
    for page, anchor in (
        ("reference/inference", "sentipair.inference.Predictor.from_pretrained"),
        ("reference/models", "sentipair.models.SPPSCL"),
        ("systems", "spp-scl"),
        ("data-sets", "mvsa-single"),
        ("commands", "sentipair-predict"),
    ):
        assert f'id="{anchor}"' in (site / f"{page}.html").read_text("utf-8"), anchor


@pytest.mark.slow
def test_nothing_in_the_site_is_loaded_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        loaded = re.findall(r"<(?:script|img|iframe)[^>]*\ssrc=\"?([^\s\">]+)", text)
        loaded += re.findall(r"<link[^>]*\shref=\"?([^\s\">]+)", text)
        assert loaded
        assert not [address for address in loaded if "//" in address]
