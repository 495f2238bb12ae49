"""The lists of data sets, systems and commands, made from the registries at every build: never out of date."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from html import escape

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from typer.cli import get_docs_for_click

from sentipair import cli
from sentipair.data import all_readers, published_split
from sentipair.data.labels import FUSION_RULES
from sentipair.data.pair import SPLITS
from sentipair.data.readers import Reader
from sentipair.data.splits import is_made_here
from sentipair.data.text import TEXT_STEPS
from sentipair.models import PairModel, list_models, model_class
from sentipair.training.recipes import published_results

METRICS = ("accuracy", "weighted_f1", "macro_f1", "binary_f1")


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put what the registries say below the text of the page."""
    made = CATALOGUES.get(page.file.src_uri)
    return "\n".join([markdown, made()]) if made else markdown


def data_sets() -> str:
    """All readers, then what their label rules and text steps do."""
    rules = ["## Label rules\n", _glossary(FUSION_RULES), "## Text steps\n", _glossary(TEXT_STEPS)]
    return "\n".join([*map(_data_set, all_readers().values()), *rules])


def systems() -> str:
    """All models: a list, then each with its citation, what it needs, where it departs, what was published."""
    models = [model_class(name) for name in list_models()]
    rows = [(f"[{model.name}](#{model.name}){_mark(model)}", model.title) for model in models]
    return "\n".join([_table(("name", "system"), rows), *map(_system, models)])


def commands() -> str:
    """What ``--help`` says of every command."""
    cli.load_commands()
    command = typer.main.get_command(cli.app)
    _, _, text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="sentipair").partition("\n")
    return text


def _data_set(reader: Reader) -> str:
    facts = {
        "Classes": ", ".join(reader.classes),
        "Label rules": _codes(reader.variants),
        "Text steps": _codes(reader.text_steps),
        "Files": escape(reader.layout),
        "From": reader.source,
        "Cite": reader.citation,
    }
    published = [scheme for scheme in reader.schemes if not is_made_here(scheme)]
    splits = {scheme: published_split(reader.name, scheme) for scheme in published}
    rows = [(scheme, *(f"{len(ids[split]):,}" for split in SPLITS)) for scheme, ids in splits.items()]
    table = _table(("published split", *SPLITS), rows)
    return "\n".join([f"## {reader.name}\n", f"{reader.title}.\n", _facts(facts), table])


def _system(model: type[PairModel]) -> str:
    facts = {
        "Cite": model.citation,
        "Needs": _codes([repr(spec) for spec in model().requires]) or "nothing",
        "Departs from its paper": model.adapted or "no",
        "Settings": f"[{model.__name__}][{model.__module__}.{model.__name__}]",
    }
    rows = [
        (data, source, *(f"{scores[metric]:.3f}" if metric in scores else "–" for metric in METRICS))
        for data in all_readers()
        for source, scores in published_results(model.name, data).items()
    ]
    table = _table(("published on", "by", *(metric.replace("_", " ") for metric in METRICS)), rows)
    heading = f"## {model.title}{_mark(model)} {{ #{model.name} }}\n"
    return "\n".join([heading, f"`{model.name}`\n", _facts(facts), table])


def _mark(model: type[PairModel]) -> str:
    return " †" if model.adapted else ""


def _glossary(functions: Mapping[str, Callable[..., object]]) -> str:
    return _facts({f"`{name}`": inspect.getdoc(function) or "" for name, function in functions.items()})


def _facts(facts: Mapping[str, str]) -> str:
    return "\n".join(f"* **{name}**: {' '.join(text.split())}" for name, text in facts.items()) + "\n"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; nothing where there are no rows."""
    lines = (f"| {' | '.join(cells)} |" for cells in (columns, ["---"] * len(columns), *rows))
    return "\n".join(lines) + "\n" if rows else ""


def _codes(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


CATALOGUES = {"data-sets.md": data_sets, "systems.md": systems, "commands.md": commands}
