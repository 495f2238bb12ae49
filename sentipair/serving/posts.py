"""Posts from requests: multipart forms and JSON. A picture is always in the request itself; no address is fetched."""

from __future__ import annotations

import base64
import binascii
from functools import cache
from typing import Annotated, Any

from fastapi import HTTPException
from PIL import Image, UnidentifiedImageError
from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field, TypeAdapter, ValidationError

from sentipair.data.images import read_header
from sentipair.data.pair import Pair
from sentipair.inference.posts import Given, make_pair
from sentipair.serving.bodies import Body
from sentipair.serving.forms import FormError, Part, parse_form
from sentipair.serving.limits import Limits
from sentipair.serving.problems import one_line

Image.init()
FORMATS = tuple({"JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF", "BMP", "PPM"} & Image.OPEN.keys())
"""What is taken for a picture: formats that are decoded in this process, without other programs."""

PIXEL = base64.b64encode(
    bytes.fromhex("474946383961010001008000ff00ffffff00000021f90401000000002c00000000010001000002024401003b")
).decode()
"""A picture for the examples."""


def _decoded(value: Any) -> Any:
    if value is None or not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64; send the picture itself, an address is not fetched") from None


class SentPost(BaseModel):
    """A post: a picture, a text, or both."""

    model_config = ConfigDict(extra="forbid")

    text: str | None = Field("", description="What was posted, as it is.", examples=["what a day"])
    image: Annotated[bytes | None, BeforeValidator(_decoded, json_schema_input_type=str | None)] = Field(
        None, description="The content of a picture file in base64.", examples=[PIXEL]
    )


ONE: TypeAdapter[SentPost] = TypeAdapter(SentPost)
TOGETHER = 8
"""Times the pixels of one picture that the pictures of one request may have together: 64 photos of 6 megapixels."""


def one_post(body: Body, limits: Limits) -> Given:
    """The post of a form with ``image`` and ``text``, or of a JSON object.

    Raises:
        HTTPException: 400 for a damaged form, 413 for a long text, 415 for other types, 422 for what is no post.
    """
    kind = _kind(body)
    if kind == "multipart/form-data":
        post = _form(body)
    elif kind == "application/json":
        post = _parsed(ONE, body.data)
    else:
        raise HTTPException(415, "send multipart/form-data or application/json")
    if problem := too_long(post, limits):
        raise HTTPException(413, problem)
    return given(post, limits, name="post")


def many_posts(body: Body, limits: Limits) -> list[Given]:
    """The posts of a JSON list; of one whose text is too long, nothing but the reason is left.

    Raises:
        HTTPException: 413 for too many posts, 415 for other types, 422 for what is no list of posts.
    """
    if _kind(body) != "application/json":
        raise HTTPException(415, "send application/json")
    found, pixels = [], 0
    for number, post in enumerate(_parsed(_many(limits.posts), body.data), start=1):
        problem, name = too_long(post, limits), str(number)
        if problem:
            found.append(Given(Pair(id=name), problem))
            continue
        size = pixels_of(post)
        pixels += size if size <= limits.pixels else 0
        if size and pixels > TOGETHER * limits.pixels:
            problem = f"the pictures of a request have at most {TOGETHER * limits.pixels:,} pixels; send another one"
            found.append(Given(make_pair(image=None, text=post.text, name=name), problem))
        else:
            found.append(given(post, limits, name=name).explained())
    return found


@cache
def _many(most: int) -> TypeAdapter[list[SentPost]]:
    """Reads at most so many posts, and up to the first that is none: a request must not cost more than it is long."""
    return TypeAdapter(Annotated[list[SentPost], Field(max_length=most), FailFast()])


def pixels_of(post: SentPost) -> int:
    """Of the picture as its header has it; 0 where there is none or none to be told."""
    try:
        header = None if post.image is None else read_header(post.image, formats=FORMATS)
    except Exception:  # damaged, or a decompression bomb
        return 0
    return header.width * header.height if header else 0


def too_long(post: SentPost, limits: Limits) -> str | None:
    """Why the text is not taken, if it is not."""
    length = len(post.text or "")
    return (
        f"the text has {length:,} characters, the limit is {limits.text:,}" if length > limits.text else None
    )


def given(post: SentPost, limits: Limits, *, name: str) -> Given:
    """What the predictor takes, without a picture of too many pixels (told from its header), and why it is left out."""
    try:
        header = None if post.image is None else read_header(post.image, formats=FORMATS)
    except UnidentifiedImageError:  # also of formats that others decode
        return Given(make_pair(image=b"", text=post.text, name=name))
    except Exception:  # damaged, or a decompression bomb; the predictor says so
        header = None
    if header and header.width * header.height > limits.pixels:
        problem = f"{header.width}×{header.height} pixels, the limit is {limits.pixels:,}"
        return Given(make_pair(image=None, text=post.text, name=name), problem)
    return Given(make_pair(image=post.image, text=post.text, name=name))


def _form(body: Body) -> SentPost:
    try:
        parts = parse_form(body.content_type, body.data)
        fields = {part.name: part for part in parts}
        image, text = fields.pop("image", None), fields.pop("text", Part())
        if fields or len(parts) > len({part.name for part in parts}):
            raise HTTPException(422, "a form has the fields image and text, each once")
        if text.filename is not None:
            raise HTTPException(422, "text: send it as a field, not as a file")
        if image and image.data and image.filename is None:
            raise HTTPException(422, "image: send it as a file; an address is not fetched")
        # a form without a chosen file has one without name and content
        chosen = image is not None and bool(image.filename or image.data)
        return SentPost(text=text.text, image=bytes(image.data) if image and chosen else None)
    except FormError as error:
        raise HTTPException(400, f"the form is damaged: {error}") from error


def _kind(body: Body) -> str:
    return body.content_type.partition(";")[0].strip().lower()


def _parsed(adapter: TypeAdapter[Any], data: bytes) -> Any:
    try:
        return adapter.validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "too_long":
            raise HTTPException(
                413, f"more than {first['ctx']['max_length']} posts in one request"
            ) from error
        raise HTTPException(422, one_line(error)) from error
