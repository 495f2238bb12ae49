"""Multipart forms, parsed in memory: the body is bounded already, and a form without its end is none."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

MAX_PARTS = 8

# it warns of every damaged form; the answer says it
logging.getLogger("python_multipart").setLevel(logging.ERROR)


class FormError(ValueError):
    """The form is damaged; the message says how."""


@dataclass
class Part:
    """A field of a form; ``filename`` is ``None`` where it was not sent as a file."""

    name: str = ""
    filename: str | None = None
    data: bytearray = field(default_factory=bytearray)

    @property
    def text(self) -> str:
        """The field as text.

        Raises:
            FormError: it is not UTF-8.
        """
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError:
            raise FormError(f"the field {self.name} is not in UTF-8") from None


def parse_form(content_type: str, data: bytes) -> list[Part]:
    """The parts of a multipart body, in their order.

    Args:
        content_type: with the boundary.
        data: the whole body.

    Raises:
        FormError: no boundary, more than ``MAX_PARTS`` parts, a part without a name, or a damaged or unfinished body.
    """
    collector = _Collector()
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not boundary:
        raise FormError("the content type names no boundary")
    try:
        MultipartParser(boundary, collector.callbacks()).write(data)  # type: ignore[arg-type]
    except FormParserError as error:
        raise FormError(str(error)) from error
    if not collector.finished:
        raise FormError("its end is missing")
    return collector.parts


class _Collector:
    """What the parser finds."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.finished = False
        self._name, self._value = bytearray(), bytearray()

    def callbacks(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in dir(self) if name.startswith("on_")}

    def on_part_begin(self) -> None:
        if len(self.parts) == MAX_PARTS:
            raise FormError(f"it has more than {MAX_PARTS} parts")
        self.parts.append(Part())

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            options = parse_options_header(bytes(self._value))[1]
            part, filename = self.parts[-1], options.get(b"filename")
            part.name = options.get(b"name", b"").decode("utf-8", "replace")
            part.filename = None if filename is None else filename.decode("utf-8", "replace")
        self._name, self._value = bytearray(), bytearray()

    def on_headers_finished(self) -> None:
        if not self.parts[-1].name:
            raise FormError("a part has no name")

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].data += data[start:end]

    def on_end(self) -> None:
        self.finished = True
