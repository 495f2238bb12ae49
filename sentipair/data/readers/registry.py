"""The readers by data set name: what each can read, whom to cite, and how one announces itself."""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import ClassVar, TypeVar

from sentipair.data.pair import Pair
from sentipair.data.splits import OWN, published_schemes
from sentipair.errors import UserError

R = TypeVar("R", bound="type[Reader]")


class Reader(ABC):
    """One data set: declare the attributes, write ``read``, decorate the class with ``register``.

    Attributes:
        name: what people type, such as ``"mvsa-single"``.
        title: one line on what it is.
        classes: class names, in the order of the published codes.
        variants: the ways to make the labels or to choose the posts; the first is the default.
        text_steps: the default normalisation, names of ``TEXT_STEPS``.
        citation: authors, title, venue.
        source: where to get it.
        layout: the files that are expected below the root, in words.
        needs: paths below the root; a root with none of them is the wrong folder.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    classes: ClassVar[tuple[str, ...]]
    variants: ClassVar[tuple[str, ...]] = ("as-given",)
    text_steps: ClassVar[tuple[str, ...]] = ("collapse-blanks",)
    citation: ClassVar[str]
    source: ClassVar[str]
    layout: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]

    @abstractmethod
    def read(self, root: Path, variant: str) -> tuple[list[Pair], list[str]]:
        """The pairs, each with the place where its picture should be, and problem lines."""

    @property
    def schemes(self) -> tuple[str, ...]:
        """The published splits, then ``own``; the first is the default. Every reader also has ``FOLDS``."""
        return (*published_schemes(self.name), OWN)


_READERS: dict[str, Reader] = {}


def register(cls: R) -> R:
    """Class decorator: make the reader known under its name."""
    if cls.name in _READERS:
        raise ValueError(f"two readers are called {cls.name!r}")
    _READERS[cls.name] = cls()
    return cls


@cache
def all_readers() -> dict[str, Reader]:
    """All readers by name; imports the modules beside this one first, so a new file is enough to add one."""
    package = __name__.rpartition(".")[0]
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        importlib.import_module(f"{package}.{module.name}")
    return dict(sorted(_READERS.items()))


def find_reader(name: str) -> Reader:
    """The reader of a data set.

    Raises:
        UserError: there is none of this name; the message suggests the nearest.
    """
    if name in all_readers():
        return all_readers()[name]
    near = get_close_matches(name, all_readers(), n=1)
    hint = f"did you mean {near[0]}?" if near else f"known data sets: {', '.join(all_readers())}"
    raise UserError(f"no data set, file or folder is called {name}; {hint}")
