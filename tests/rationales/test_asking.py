"""Asking about many posts: once each, kept at once, through failures and kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sentipair.cli import main
from sentipair.data import Pair
from sentipair.errors import UserError
from sentipair.rationales.answers import ANSWERS, AnswerStore
from sentipair.rationales.asking import IN_A_ROW, Tally, ask_all, unanswered
from sentipair.rationales.client import Server
from sentipair.rationales.outcome import answered_outcome
from sentipair.rationales.prompts import VERDICT
from sentipair.rationales.questions import Inquiry, Manner, inquire

from .conftest import ChatServer, Reaction, Request, completion

Serve = Callable[..., ChatServer]
CLASSES = ("positive", "neutral", "negative")
REPOSITORY = Path(__file__).parents[2]


def inquiries(posts: list[Pair], asked: tuple[str, ...] = CLASSES) -> list[Inquiry]:
    return inquire(posts, polarities=CLASSES, asked=asked, model="tiny", manner=Manner())


def ask(server: ChatServer, questions: list[Inquiry], store: AnswerStore, **settings: Any) -> Tally:
    who = Server(
        base_url=server.url, model="tiny", **{"attempts": 2, "first_pause": 0.01, "timeout": 5.0, **settings}
    )
    return ask_all(
        unanswered(questions, store),
        server=who,
        manner=Manner(),
        polarities=CLASSES,
        store=store,
        forecast=lambda tally, left: f"{tally.answered} answered, {left} left",
    )


def test_every_question_is_asked_once_and_never_again(
    serve: Serve, posts: list[Pair], tmp_path: Path
) -> None:
    server = serve(lambda request, _: Reaction(body=completion(request.words)))
    store = AnswerStore(tmp_path / "answers")
    tally = ask(server, inquiries(posts), store)
    assert (tally.answered, tally.tokens_in, tally.tokens_out, tally.failed) == (18, 18 * 400, 18 * 50, {})
    assert len({(request.words, request.picture) for request in server.requests}) == 18
    for inquiry in inquiries(posts):
        for question in inquiry.questions:
            answer = store.get(question.key)
            assert answer is not None
            assert answer.text.startswith(" ".join(question.words.split()))
    again = AnswerStore(tmp_path / "answers")
    assert unanswered(inquiries(posts), again) == []
    ask(server, inquiries(posts, (*CLASSES, VERDICT)), again)
    assert len(server.requests) == 18 + 6


def test_the_same_post_under_two_ids_is_asked_about_once(
    serve: Serve, posts: list[Pair], tmp_path: Path
) -> None:
    server, store = serve(), AnswerStore(tmp_path / "answers")
    twice = inquiries([posts[0], replace(posts[0], id="again")])
    ask(server, twice, store)
    assert len(server.requests) == 3
    outcome = answered_outcome(twice, CLASSES, store=store, failed={})
    assert outcome.rationales["both"] == outcome.rationales["again"]
    assert outcome.counts() == {name: {"usable": 2} for name in CLASSES}


def test_a_limit_is_for_asking_and_the_table_has_every_answer(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    posts = tmp_path / "posts.csv"
    posts.write_text("text,label\n" + "".join(f"post {n},{CLASSES[n]}\n" for n in range(3)), encoding="utf-8")
    words = ["rationales", str(posts), "--provider", "openai", "--base-url", server.url, "--model", "tiny"]
    for limit, asked in ((["--limit", "1"], 3), ([], 9), (["--limit", "2"], 9)):
        with pytest.raises(SystemExit) as end:
            main([*words, "--output", str(tmp_path / "out"), *limit])
        assert end.value.code == 0
        assert len(server.requests) == asked
        (table,) = (tmp_path / "out").glob("posts-*-tiny.parquet")
        rows = pq.read_table(table).to_pylist()
        assert sum(row["neutral"] is not None for row in rows) == asked / 3


def test_pictures_go_with_the_questions(serve: Serve, posts: list[Pair], tmp_path: Path) -> None:
    server = serve()
    ask(server, inquiries(posts, ("positive",)), AnswerStore(tmp_path / "answers"), concurrency=1)
    with_picture = [request.picture is not None for request in server.requests]
    assert with_picture == [True, False, True, True, False, True]
    told = [request.words.endswith("The post has no picture.") for request in server.requests]
    assert told == [not picture for picture in with_picture]


def test_no_more_than_the_concurrency_are_under_way(serve: Serve, posts: list[Pair], tmp_path: Path) -> None:
    server = serve(lambda *_: Reaction(stall=0.05))
    ask(server, inquiries(posts), AnswerStore(tmp_path / "answers"), concurrency=3)
    assert server.busiest == 3


def test_refusals_and_empty_answers_are_kept_and_failures_are_not(
    serve: Serve, posts: list[Pair], tmp_path: Path
) -> None:
    bodies = {
        "positive": completion(None, refusal="No."),
        "neutral": completion(""),
        "verdict": completion("green"),
    }

    def react(request: Request, _: int) -> Reaction:
        if "negative." in request.words:
            return Reaction(status=400, body={"error": "no"})
        kind = next((name for name in ("positive", "neutral") if f"{name}." in request.words), "verdict")
        return Reaction(body=bodies[kind])

    server = serve(react)
    store = AnswerStore(tmp_path / "answers")
    questions = inquiries(posts[:1], (*CLASSES, VERDICT))
    tally = ask(server, questions, store)
    problems = {q.key.polarity: a.problem for q in questions[0].questions if (a := store.get(q.key))}
    assert problems == {"positive": "refusal", "neutral": "empty", "verdict": "malformed"}
    assert list(tally.failed.values()) == ["400: no"]
    (left,) = unanswered(questions, store)
    assert [question.key.polarity for question in left.questions] == ["negative"]


def test_a_cut_answer_is_used_and_listed(serve: Serve, posts: list[Pair], tmp_path: Path) -> None:
    body = completion("The smile speaks for")
    body["choices"][0]["finish_reason"] = "length"
    store = AnswerStore(tmp_path)
    (inquiry,) = inquiries(posts[:1], ("positive",))
    ask(serve(lambda *_: Reaction(body=body)), [inquiry], store)
    outcome = answered_outcome([inquiry], ("positive",), store=AnswerStore(tmp_path), failed={})
    assert outcome.rationales == {posts[0].id: {"positive": "The smile speaks for"}}
    assert [(trouble.kind, trouble.reason) for trouble in outcome.troubles] == [
        ("cut", "The smile speaks for")
    ]
    assert outcome.counts() == {"positive": {"usable": 1, "cut": 1}}


def test_a_verdict_is_kept_as_the_class_that_it_names(
    serve: Serve, posts: list[Pair], tmp_path: Path
) -> None:
    server = serve(lambda *_: Reaction(body=completion("**Negative**.")))
    store = AnswerStore(tmp_path / "answers")
    (inquiry,) = inquiries(posts[:1], (VERDICT,))
    ask(server, [inquiry], store)
    answer = store.get(inquiry.questions[0].key)
    assert answer is not None
    assert (answer.text, answer.problem) == ("negative", None)


def test_many_failures_in_a_row_stop_the_run(serve: Serve, posts: list[Pair], tmp_path: Path) -> None:
    server = serve(
        lambda _, number: Reaction() if number <= 2 else Reaction(status=400, body={"error": "no picture"})
    )
    store = AnswerStore(tmp_path / "answers")
    with pytest.raises(UserError, match="10 questions in a row came to nothing, the last: 400: no picture"):
        ask(server, inquiries(posts), store, concurrency=1)
    assert len(server.requests) == 2 + IN_A_ROW
    assert len(AnswerStore(tmp_path / "answers")) == 2


def test_an_error_of_ours_is_not_hidden(serve: Serve, posts: list[Pair], tmp_path: Path) -> None:
    class Broken(AnswerStore):
        def add(self, answer: Any) -> None:
            raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        ask(serve(), inquiries(posts), Broken(tmp_path / "answers"))


def test_what_is_under_way_when_the_run_ends_is_paid_for_and_kept(
    serve: Serve, posts: list[Pair], tmp_path: Path
) -> None:
    def react(_: Request, number: int) -> Reaction:
        if number == 1:  # the others have been sent by then
            return Reaction(status=429, headers={"Retry-After": "3600"}, stall=0.3)
        return Reaction(stall=0.8)

    server = serve(react)
    with pytest.raises(UserError, match="a wait of 60 minutes"):
        ask(server, inquiries(posts), AnswerStore(tmp_path / "answers"), concurrency=4)
    assert len(server.requests) == 4
    assert len(AnswerStore(tmp_path / "answers")) == 3


def test_nothing_is_tried_again_once_the_run_has_ended(
    serve: Serve, posts: list[Pair], tmp_path: Path
) -> None:
    def react(_: Request, number: int) -> Reaction:
        return (
            Reaction(status=401, body={"error": "who?"}) if number == 1 else Reaction(status=503, stall=0.5)
        )

    server = serve(react)
    with pytest.raises(UserError, match=r"answers 401: who\?; check"):
        ask(server, inquiries(posts), AnswerStore(tmp_path / "answers"), concurrency=4, attempts=9)
    assert len(server.requests) <= 4


def test_a_post_that_moderation_forbids_does_not_stop_the_others(
    serve: Serve, posts: list[Pair], tmp_path: Path
) -> None:
    flagged = posts[0].text

    def react(request: Request, _: int) -> Reaction:
        return Reaction(status=403, body={"error": "flagged"}) if flagged in request.words else Reaction()

    store = AnswerStore(tmp_path / "answers")
    tally = ask(serve(react), inquiries(posts), store, concurrency=1)
    assert set(tally.failed.values()) == {"403: flagged"}
    assert len(store) == sum(len(inquiry.questions) for inquiry in inquiries(posts)) - len(tally.failed)


def test_the_first_answers_give_the_forecast(
    serve: Serve, posts: list[Pair], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many = [Pair(id=str(i), text=f"post {i}") for i in range(20)]
    ask(serve(), inquiries(many), AnswerStore(tmp_path / "answers"))
    assert capsys.readouterr().err == "20 answered, 40 left\n"


def command(server: ChatServer, table: Path, output: Path) -> subprocess.Popen[str]:
    words = [
        "rationales", table, "--provider", "openai", "--base-url", server.url, "--model", "tiny",
        "--concurrency", "4", "--output", output, "--json",
    ]  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-c", "from sentipair.cli import main; main()", *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_killed_process_asks_nothing_twice_that_was_answered(serve: Serve, tmp_path: Path) -> None:
    """Killed twice; each time the server keeps the questions under way waiting, so that only they are asked again."""
    table = tmp_path / "posts.csv"
    lines = [f"post {i},{CLASSES[i % 3]}\n" for i in range(20)]
    table.write_text("text,label\n" + "".join(lines), encoding="utf-8")
    pauses = {14, 37}
    held: list[str] = []

    def react(request: Request, number: int) -> Reaction:
        with server.lock:
            waits = bool(held) or number in pauses
            if waits:
                held.append(request.words)
        return Reaction(stall=60 if waits else 0)

    server = serve(react)
    interrupted: Counter[str] = Counter()
    for _ in pauses:
        process = command(server, table, tmp_path / "out")
        wait_for(lambda: len(held) == 4)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        interrupted.update(held)
        with server.lock:
            held.clear()
    answers = tmp_path / "out" / "tiny" / ANSWERS
    with answers.open("ab") as file:
        file.write(b'{"key": {"post": "half a li')  # a kill in the middle of a line
    before = answers.read_bytes()
    out, err = command(server, table, tmp_path / "out").communicate(timeout=60)
    assert err.startswith("28 questions")
    assert json.loads(out)["answers"] == {name: {"usable": 20} for name in CLASSES}
    asked = Counter(request.words for request in server.requests)
    assert len(asked) == 60
    assert asked == Counter(asked.keys()) + interrupted
    assert answers.read_bytes().startswith(before)


def test_a_second_process_is_sent_away_and_nothing_is_asked_twice(serve: Serve, tmp_path: Path) -> None:
    table = tmp_path / "posts.csv"
    table.write_text("text,label\na,positive\nb,neutral\nc,negative\n", encoding="utf-8")
    server = serve(lambda *_: Reaction(stall=60))
    one = command(server, table, tmp_path / "out")
    wait_for(lambda: len(server.requests) == 3)
    _, err = command(server, table, tmp_path / "out").communicate(timeout=60)
    assert "another sentipair is at work in" in err
    server.released.set()
    out, _ = one.communicate(timeout=60)
    assert json.loads(out)["answers"] == {name: {"usable": 3} for name in CLASSES}
    assert len(server.requests) == 9
