"""The answers on disk."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sentipair.errors import UserError
from sentipair.rationales.answers import ANSWERS, Answer, AnswerStore, model_folder
from sentipair.rationales.questions import Key


def answer(number: int, **values: object) -> Answer:
    return Answer(key=Key(f"post {number}", "positive", "m", "p"), **{"text": f"text {number}", **values})  # type: ignore[arg-type]


def test_answers_come_back_as_they_were(tmp_path: Path) -> None:
    store = AnswerStore(tmp_path / "deep" / "m")
    odd = [
        answer(0, text='line\nbreaks, \u2028, "quotes" and 😂'),
        answer(1, text="", problem="empty"),
        answer(2, tokens_in=7, tokens_out=3),
    ]
    for each in odd:
        store.add(each)
    again = AnswerStore(tmp_path / "deep" / "m")
    assert [again.get(each.key) for each in odd] == odd
    assert len(again) == 3
    assert again.get(Key("post 0", "positive", "m", "another prompt")) is None


@pytest.mark.parametrize("cut", [1, 5, 60, -1])
def test_what_a_kill_left_is_passed_over_and_stays(tmp_path: Path, cut: int) -> None:
    store = AnswerStore(tmp_path)
    store.add(answer(0))
    half = answer(1).line()[:cut]
    with store.path.open("ab") as file:
        file.write(half)
    resumed = AnswerStore(tmp_path)
    whole = 2 if cut == -1 else 1  # all but the line break
    assert len(resumed) == whole
    resumed.add(answer(2))
    assert len(AnswerStore(tmp_path)) == whole + 1
    assert store.path.read_bytes() == answer(0).line() + half + b"\n" + answer(2).line()


def test_damage_is_passed_over(tmp_path: Path) -> None:
    lines = [b"{}", b"[1]", b"\xff", b"", b'{"key": 3, "text": ""}', answer(5).line().strip()]
    (tmp_path / ANSWERS).write_bytes(b"\n".join(lines))
    assert len(AnswerStore(tmp_path)) == 1


def test_the_last_answer_to_a_question_counts(tmp_path: Path) -> None:
    store = AnswerStore(tmp_path)
    store.add(answer(0, problem="empty", text=""))
    store.add(answer(0))
    assert AnswerStore(tmp_path).get(answer(0).key) == answer(0)


def test_a_full_disk_is_one_line_and_costs_no_other_answer(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system needs root")
    try:
        store = AnswerStore(disk)
        for number in range(3):
            store.add(answer(number, text="x" * 1000))
        with pytest.raises(UserError, match="No space left on device; free space"):
            store.add(answer(3, text="x" * 100_000))
        assert len(AnswerStore(disk)) == len(store) == 3
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_folder_below_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot read"):
        AnswerStore(tmp_path / "file" / "m")


def test_a_model_has_a_folder_with_a_name_that_every_system_takes(tmp_path: Path) -> None:
    assert model_folder(tmp_path, "Qwen/Qwen2.5-VL-7B-Instruct").name == "Qwen-Qwen2.5-VL-7B-Instruct"
    assert model_folder(tmp_path, "../../etc: x").parent == tmp_path
    assert model_folder(tmp_path, "..").name == "model"
