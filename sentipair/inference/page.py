"""The page of a scored table: what the posts say, whether text and picture agree, over time, by group, examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from sentipair.inference.charts import (
    by_period,
    classes_figure,
    confidence_figure,
    groups_figure,
    number_figure,
    share_figure,
)
from sentipair.inference.summary import CONFLICT, NO_ANSWER, Example, Tally
from sentipair.reporting.page import Drawing, Section, write_page
from sentipair.reporting.style import to_svg
from sentipair.reporting.tables import Table

MOST_GROUPS = 12
"""Groups that are drawn, the largest first."""


def write_report(path: Path, tally: Tally, *, source: str, model: str) -> Path:
    """Write the page of what ``tally`` counted.

    Args:
        path: where to write.
        tally: of every row.
        source: the name of the table.
        model: the name of the model.
    """
    report = tally.report()
    facts = {
        "model": model,
        "rows": f"{report.rows:,}",
        "conflicts": f"{report.conflicts:,}",
        "no answer": f"{report.abstained:,}",
        "left out": f"{report.left_out:,}",
        "scored by their text alone": f"{report.without_picture:,}",
    }
    sections = [*_posts(tally), *_time(tally), *_groups(tally), *_examples(tally)]
    return write_page(path, title=f"What {source} says", facts=facts, sections=sections)


def _posts(tally: Tally) -> Iterator[Section]:
    counts = {name: tally.labels[name] for name in _shown(tally)}
    if not sum(counts.values()):
        yield Section(title="Posts", lead="No row could be scored; the list of problems says why.")
        return
    classes = to_svg(classes_figure(counts), name="classes", label="Posts by class")
    confidence = to_svg(confidence_figure(tally.shares), name="confidence", label="Posts by confidence")
    drawings = [
        Drawing(title="Classes", svg=classes),
        Drawing(
            title="How sure the model is", svg=confidence, caption="Calibrated probability of the class."
        ),
    ]
    yield Section(title="Posts", drawings=drawings)
    if tally.opinions:
        yield Section(title="Text and picture", tables=[_opinions(tally)])


def _opinions(tally: Tally) -> Table:
    total = sum(tally.opinions.values())
    same = sum(count for (text, picture), count in tally.opinions.items() if text == picture)
    rows = [
        [f"text {text}", *(f"{tally.opinions[text, picture]:,}" for picture in tally.classes)]
        for text in tally.classes
    ]
    return Table(
        title="What each of them says alone",
        columns=["", *(f"picture {name}" for name in tally.classes)],
        rows=rows,
        note=f"Of {total:,} posts with both, they agree in {same:,} ({same / total:.0%}).",
    )


def _time(tally: Tally) -> Iterator[Section]:
    if not tally.days:
        if tally.date:
            yield Section(title=f"Over {tally.date}", lead="No row has a date that could be read.")
        return
    period, periods = by_period(tally.days)
    classes = _shown(tally)
    number = number_figure(periods, classes, period=period)
    share = share_figure(periods, classes)
    unread = f"Rows without a date that could be read: {tally.undated:,}." if tally.undated else ""
    drawings = [
        Drawing(title=f"Posts per {period}", svg=to_svg(number, name="over-number", label="Posts over time")),
        Drawing(
            title="Share of every class", svg=to_svg(share, name="over-share", label="Classes over time")
        ),
    ]
    yield Section(title=f"Over {tally.date}", lead=unread, drawings=drawings)


def _groups(tally: Tally) -> Iterator[Section]:
    if not tally.groups:
        return
    sizes: Counter[str] = Counter()
    for (name, _), count in tally.groups.items():
        sizes[name] += count
    largest = [name for name, _ in sizes.most_common(MOST_GROUPS)]
    classes = _shown(tally)
    groups = {name: {label: tally.groups[name, label] for label in classes} for name in largest}
    svg = to_svg(groups_figure(groups, classes), name="groups", label="Classes by group")
    more = f"The {MOST_GROUPS} largest of {len(sizes):,} groups." if len(sizes) > MOST_GROUPS else ""
    drawing = Drawing(title="Share of every class", svg=svg, caption=more)
    yield Section(title=f"By {tally.group}", drawings=[drawing])


def _examples(tally: Tally) -> Iterator[Section]:
    tables = [
        _example_table("Text and picture disagree" if name == CONFLICT else name, examples)
        for name, examples in tally.report().examples.items()
    ]
    if tables:
        yield Section(title="Examples", lead="The posts that the model is surest of.", tables=tables)


def _example_table(title: str, examples: Sequence[Example]) -> Table:
    rows = [
        [
            str(one.row),
            one.text,
            one.image,
            f"{one.label} {one.confidence:.0%}",
            one.text_alone or "–",
            one.image_alone or "–",
        ]
        for one in examples
    ]
    columns = ["row", "text", "picture", "prediction", "text alone", "picture alone"]
    return Table(title=title, columns=columns, rows=rows)


def _shown(tally: Tally) -> list[str]:
    return [*tally.classes, *([NO_ANSWER] if tally.labels[NO_ANSWER] else [])]
