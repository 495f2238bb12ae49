"""What came of it: the table and the list of troubles."""

from __future__ import annotations

import csv
from pathlib import Path

from sentipair.data import Pair, PairDataset
from sentipair.rationales.answers import Answer, AnswerStore
from sentipair.rationales.outcome import Outcome, answered_outcome, lexicon_outcome
from sentipair.rationales.prompts import VERDICT
from sentipair.rationales.questions import Manner, inquire
from sentipair.rationales.tables import read_rationales

CLASSES = ("positive", "negative")


def test_usable_answers_and_troubles(tmp_path: Path) -> None:
    posts = [Pair(id=name, text=name) for name in ("a", "b", "c")]
    asked = (*CLASSES, VERDICT)
    inquiries = inquire(posts, polarities=CLASSES, asked=asked, model="m", manner=Manner())
    keys = {(q.key.polarity, i.pair.id): q.key for i in inquiries for q in i.questions}
    store = AnswerStore(tmp_path / "answers")
    store.add(Answer(key=keys["positive", "a"], text="sun"))
    store.add(Answer(key=keys["verdict", "a"], text="negative"))
    store.add(Answer(key=keys["negative", "a"], text="I cannot, " * 50, problem="refusal"))
    store.add(Answer(key=keys["positive", "b"], text="", problem="empty"))
    outcome = answered_outcome(inquiries, asked, store=store, failed={keys["negative", "b"]: "500: down"})
    assert outcome.rationales == {"a": {"positive": "sun", "verdict": "negative"}, "b": {}, "c": {}}
    assert outcome.verdicts == {"a": "negative", "b": None, "c": None}
    assert outcome.counts() == {
        "positive": {"usable": 1, "empty": 1, "not asked": 1},
        "negative": {"refusal": 1, "failed": 1, "not asked": 1},
        "verdict": {"usable": 1, "not asked": 2},
    }
    paths = outcome.write(tmp_path, "posts-m")
    assert read_rationales(paths["table"], CLASSES) == outcome.rationales
    with paths["troubles"].open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["id", "polarity", "kind", "reason"]
    assert rows[1] == ["a", "negative", "refusal", ("I cannot, " * 50)[:200]]
    assert ["b", "negative", "failed", "500: down"] in rows
    assert len(rows) == 1 + 7


def test_a_list_of_troubles_goes_when_they_are_gone(tmp_path: Path) -> None:
    (tmp_path / "x.troubles.csv").write_text("old", encoding="utf-8")
    outcome = Outcome(asked=("positive",), rationales={"a": {"positive": "sun"}})
    assert set(outcome.write(tmp_path, "x")) == {"table"}
    assert outcome.verdicts == {}
    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]


def test_a_neutral_verdict_of_the_lexicon_is_none_where_neutral_is_no_class() -> None:
    data = PairDataset(
        name="posts", classes=CLASSES, pairs=(Pair(id="a", text="table"), Pair(id="b", text="love"))
    )
    assert lexicon_outcome(data, verdicts=True).verdicts == {"a": None, "b": "positive"}
    assert lexicon_outcome(data, verdicts=False).asked == CLASSES
