"""The server against its own OpenAPI description: schemathesis makes up requests, right and wrong ones."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import urlopen

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import TypeAdapter

from sentipair.inference import Prediction

from .conftest import ServerProcess

schemathesis = pytest.importorskip("schemathesis")

POSTS = ("/v1/predict", "/v1/predict/batch", "/v1/explain")
OPERATION = ("/healthz", "/readyz", "/metrics")


@pytest.fixture(scope="module")
def schema(server: ServerProcess) -> Any:
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json")


def test_every_address_is_described(schema: Any) -> None:
    assert sorted(schema) == sorted(POSTS + OPERATION)


@pytest.mark.parametrize("wrong", [False, True])
@pytest.mark.parametrize("path", POSTS)
def test_answers_are_as_described(schema: Any, path: str, wrong: bool) -> None:
    mode = schemathesis.GenerationMode.NEGATIVE if wrong else schemathesis.GenerationMode.POSITIVE
    # a schema cannot say that a post needs a text or a picture, nor what a picture is
    from schemathesis.checks import negative_data_rejection, positive_data_acceptance

    @given(case=schema[path]["POST"].as_strategy(generation_mode=mode))
    @settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def check(case: Any) -> None:
        excluded = [positive_data_acceptance]
        if case.media_type == "multipart/form-data":
            excluded.append(negative_data_rejection)  # in a form every value is a text
        case.call_and_validate(excluded_checks=excluded)

    check()


@pytest.mark.parametrize("path", OPERATION)
def test_figures_are_as_described(schema: Any, path: str) -> None:
    schema[path]["GET"].Case().call_and_validate()


@pytest.mark.parametrize("path", POSTS)
def test_bodies_and_answers_have_examples(server: ServerProcess, path: str) -> None:
    with urlopen(f"{server.url}/openapi.json", timeout=60) as answer:
        operation = json.load(answer)["paths"][path]["post"]
    answer = operation["responses"]["200"]["content"]["application/json"]["example"]
    for prediction in answer if isinstance(answer, list) else [answer.get("prediction", answer)]:
        assert TypeAdapter(Prediction).validate_python(prediction).label == "positive"
    for kind, media in operation["requestBody"]["content"].items():
        shown = media["schema"]["properties"]["text"] if kind == "multipart/form-data" else media
        assert shown.keys() & {"example", "examples"}
