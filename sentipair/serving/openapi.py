"""The bodies of requests for the OpenAPI description, with examples; they are read by hand, see ``posts.py``."""

from __future__ import annotations

from typing import Any

from sentipair.serving.limits import Limits
from sentipair.serving.posts import PIXEL, SentPost

POST = SentPost.model_json_schema()
FORM = {
    "type": "object",
    "properties": {
        "image": {"type": "string", "format": "binary", "description": "A picture file."},
        "text": {"type": "string", "description": POST["properties"]["text"]["description"]},
    },
}
TEXT_ONLY = {"text": "what a day"}
WITH_PICTURE = {"text": "what a day", "image": PIXEL}


def body(content: dict[str, Any]) -> dict[str, Any]:
    """A body that every request has, by its media type."""
    return {"requestBody": {"required": True, "content": content}}


ONE_BODY = body(
    {
        "application/json": {
            "schema": POST,
            "examples": {"text": {"value": TEXT_ONLY}, "text and picture": {"value": WITH_PICTURE}},
        },
        "multipart/form-data": {"schema": FORM, "encoding": {"image": {"contentType": "image/*"}}},
    }
)


def many_body(limits: Limits) -> dict[str, Any]:
    """A list of posts, as long as it may be."""
    schema = {"type": "array", "items": POST, "maxItems": limits.posts}
    return body({"application/json": {"schema": schema, "example": [TEXT_ONLY, WITH_PICTURE]}})
