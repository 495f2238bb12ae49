"""What every predictor does in the same way, whatever computes the scores: one post or many, in every form."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, overload

from sentipair.data.pair import Pair
from sentipair.errors import UserError
from sentipair.inference.posts import (
    DataFrame,
    Given,
    ImageLike,
    as_post,
    make_pair,
    require_content,
    require_usable,
    with_problems,
)
from sentipair.inference.prediction import Prediction

CHUNK = 256
"""Posts of an iterator that are scored at a time."""

Row = Pair | Mapping[str, Any]


class BasePredictor(ABC):
    """A trained model that is asked about posts.

    Args:
        threshold: the model abstains where it is less confident than this.

    Raises:
        UserError: the threshold is not a confidence.
    """

    def __init__(self, *, threshold: float) -> None:
        if not 0 <= threshold <= 1:
            raise UserError(f"the threshold is a confidence between 0 and 1, not {threshold}")
        self.threshold = threshold

    @abstractmethod
    def predict(self, pairs: Sequence[Pair]) -> list[Prediction]:
        """Score posts; pictures and texts may be missing. Give a few hundred at a time to bound the memory."""

    @overload
    def __call__(
        self, posts: None = None, /, *, image: ImageLike | None = None, text: str | None = None
    ) -> Prediction: ...
    @overload
    def __call__(self, posts: Sequence[Row] | DataFrame, /) -> list[Prediction]: ...
    @overload
    def __call__(self, posts: Iterator[Row], /) -> Iterator[Prediction]: ...
    def __call__(
        self,
        posts: Iterable[Row] | DataFrame | None = None,
        /,
        *,
        image: ImageLike | None = None,
        text: str | None = None,
    ) -> Prediction | list[Prediction] | Iterator[Prediction]:
        """Score one post, given by name, or many: a list or data frame at once, an iterator as it goes.

        Of many posts, one that cannot be used, whatever is wrong with it, is told by its prediction (``unusable``,
        ``abstained``); a single one is an error.

        Args:
            posts: ``Pair``s or rows with ``image`` and ``text``.
            image: a path, the content of a file, a PIL picture, or an array of pixels.
            text: what was posted with it.

        Raises:
            UserError: of a single post: a picture or text of the wrong kind, neither a picture nor a text, the file
                does not exist, or there is no text and the picture cannot be used.
        """
        if posts is None:
            return self._one(image, text)
        if isinstance(posts, DataFrame):
            return self(posts.to_dict("records"))
        predictions = self._stream(iter(posts))
        return predictions if isinstance(posts, Iterator) else list(predictions)

    def _one(self, image: ImageLike | None, text: str | None) -> Prediction:
        pair = make_pair(image=image, text=text, name="post")
        require_content(Given(pair))
        prediction = self.predict([pair])[0]
        require_usable(pair, prediction)
        return prediction

    def _stream(self, posts: Iterator[Row]) -> Iterator[Prediction]:
        given = (as_post(post, name=str(number)) for number, post in enumerate(posts, start=1))
        while chunk := list(islice(given, CHUNK)):
            pairs, problems = zip(*chunk, strict=True)
            yield from with_problems(self.predict(pairs), problems)
