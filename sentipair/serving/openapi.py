"""Bodies and answers for the OpenAPI description, with examples; bodies are read by hand, see ``posts.py``."""

from __future__ import annotations

from typing import Any

from sentipair.explain.explanation import Explanation, Influence, Word
from sentipair.inference.prediction import Opinion, Prediction
from sentipair.serving.limits import Limits
from sentipair.serving.posts import PIXEL, SentPost

POST = SentPost.model_json_schema()
FORM = {
    "type": "object",
    "properties": {
        "image": {"type": "string", "format": "binary", "description": "A picture file."},
        "text": {
            "type": "string",
            "default": "",
            **{key: POST["properties"]["text"][key] for key in ("title", "description", "examples")},
        },
    },
}
TEXT_ONLY = {"text": "what a day"}
SAID = {"positive": 0.81, "neutral": 0.12, "negative": 0.07}
PREDICTED = Prediction(
    label="positive",
    probabilities=SAID,
    confidence=0.81,
    text=Opinion(label="positive", probabilities=SAID),
)
EXPLAINED = Explanation(
    prediction=PREDICTED,
    target="positive",
    method="feature-occlusion",
    text="what a day",
    influence=Influence(words=(Word("what", 0.04), Word("a", -0.01), Word("day", 0.07))),
)
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


def answered(example: Any) -> dict[int | str, dict[str, Any]]:
    """An answer as it may look."""
    return {200: {"content": {"application/json": {"example": example}}}}


def many_body(limits: Limits) -> dict[str, Any]:
    """A list of posts, as long as it may be."""
    schema = {"type": "array", "items": POST, "maxItems": limits.posts}
    return body({"application/json": {"schema": schema, "example": [TEXT_ONLY, WITH_PICTURE]}})
