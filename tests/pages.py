"""The fenced blocks of the pages: taken out, run as a person would, and their commands checked."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import groupby, takewhile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

from sentipair import cli

ROOT = Path(__file__).parents[1]


class Block(NamedTuple):
    language: str
    text: str


def blocks(page: Path, *languages: str) -> list[Block]:
    """The blocks of a page in these languages, in their order."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return [Block(*block) for block in found if block[0] in languages]


def run(block: Block, names: dict[str, Any]) -> None:
    """Run Python with ``names`` around it, or every line of a shell's block, in the current folder."""
    if block.language == "python":
        exec(compile(block.text, "<page>", "exec"), names)
        return
    for line in lines(block):
        program, *words = shlex.split(line, comments=True)
        assert program == "sentipair", f"only our own commands run: {line}"
        with pytest.raises(SystemExit) as stopped:
            cli.main(words)
        assert not stopped.value.code, f"{line} ends with {stopped.value.code}"


def commands(block: Block) -> Iterator[list[str]]:
    """The words after ``sentipair`` of each of our commands; what is piped or redirected is left out."""
    for line in lines(block):
        words = shlex.split(line, comments=True)
        for piped, part in groupby(words, key="|".__eq__):
            program, *rest = takewhile(lambda word: word not in ("<", ">"), part)
            if not piped and program == "sentipair":
                yield rest


def parse(words: list[str]) -> None:
    """Read a command as the command line does, without running it.

    Raises:
        KeyError: there is no such command.
        Exception: there is no such option, or a value does not fit.
    """
    cli.load_commands()
    command: Any = typer.main.get_command(cli.app)
    while hasattr(command, "commands"):
        name, *words = words
        command = command.commands[name]
    command.make_context(command.name, list(words))


def lines(block: Block) -> list[str]:
    """The block's lines, continued ones put together, without empty ones and comments."""
    joined = block.text.replace("\\\n", " ").splitlines()
    return [line for line in joined if line.strip() and not line.strip().startswith("#")]
