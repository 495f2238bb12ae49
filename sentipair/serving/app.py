"""The application: its addresses, and the way of a post through keys, limits, queue and model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Depends, FastAPI, HTTPException, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from sentipair.data.pair import Pair
from sentipair.explain import Method, explain
from sentipair.inference import Prediction, Predictor
from sentipair.inference.posts import Given, require_content, require_usable, with_problems
from sentipair.serving.bodies import Body, body_reader
from sentipair.serving.gathering import Gatherer
from sentipair.serving.keys import key_check
from sentipair.serving.limits import Limits
from sentipair.serving.metrics import Metrics, Observed
from sentipair.serving.openapi import EXPLAINED, ONE_BODY, PREDICTED, answered, many_body
from sentipair.serving.posts import many_posts, one_post
from sentipair.serving.problems import CODES, BusyError, answer_errors, busy, described

T = TypeVar("T")

PAGE = Path(__file__).with_name("page")
"""The files of the page, each under its name."""

EXPLANATION = 16
"""Posts that take about as long as one explanation."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def create_app(predictor: Predictor, *, limits: Limits | None = None, keys: Iterable[str] = ()) -> FastAPI:
    """The server's application.

    Args:
        predictor: answers; it is called from one thread.
        limits: what is refused.
        keys: who asks for predictions must have one of them, if there are any.
    """
    limits, keys = limits or Limits(), list(keys)
    gatherer: Gatherer[Pair, Prediction]
    metrics = Metrics(pending=lambda: gatherer.pending)
    gatherer = Gatherer(predictor.predict, capacity=limits.queue, observe=metrics.observe_batch)
    app = _empty_app(gatherer)
    app.add_middleware(Observed, metrics=metrics, headers=HEADERS)
    read = Depends(body_reader(limits))

    async def parsed(parse: Callable[[Body, Limits], T], body: Body) -> T:
        async def wait() -> T:
            with gatherer.room(1):
                return await run_in_threadpool(parse, body, limits)

        return await _in_time(wait(), limits)

    async def scored(posts: Sequence[Given]) -> list[Prediction]:
        pairs, problems = [post.pair for post in posts], [post.problem for post in posts]
        predictions = with_problems(await _in_time(gatherer.answer(pairs), limits), problems)
        metrics.observe_predictions(predictions)
        return predictions

    def about_posts(example: Any) -> dict[str, Any]:
        return {
            "dependencies": [Depends(key_check(keys))] if keys else [],
            "responses": answered(example) | described(*CODES),
            "tags": ["posts"],
        }

    @app.post(
        "/v1/predict", summary="Score a post", openapi_extra=ONE_BODY, **about_posts(PREDICTED.to_dict())
    )
    async def predict(body: Body = read) -> Prediction:
        """What the model says of one post. A prediction does not depend on what others send at the same time."""
        post = await parsed(one_post, body)
        require_content(post)
        prediction = (await scored([post]))[0]
        require_usable(post.pair, prediction)
        return prediction

    @app.post(
        "/v1/predict/batch",
        summary="Score posts",
        openapi_extra=many_body(limits),
        **about_posts([PREDICTED.to_dict()]),
    )
    async def predict_batch(body: Body = read) -> list[Prediction]:
        """What the model says of several posts, in their order; of one that cannot be used, the prediction tells it."""
        return await scored(await parsed(many_posts, body))

    @app.post(
        "/v1/explain", summary="Explain a post", openapi_extra=ONE_BODY, **about_posts(EXPLAINED.to_dict())
    )
    async def explanation(
        body: Body = read, method: Method = "feature-occlusion", target: str | None = None
    ) -> dict[str, Any]:
        """The influence of words and regions on the probability of `target`, by default of the most probable class.

        `feature-occlusion` takes about as long as a few predictions, `occlusion` about a second.
        """
        post = await parsed(one_post, body)
        require_content(post)
        job = partial(explain, predictor, post.pair, method=method, target=target)
        found = await _in_time(gatherer.alone(job, weight=EXPLANATION), limits)
        [prediction] = with_problems([found.prediction], [post.problem])
        require_usable(post.pair, prediction)
        return replace(found, prediction=prediction).to_dict()

    @app.get("/healthz", summary="Whether the process lives", tags=["operation"])
    async def healthz() -> dict[str, str]:
        """Always the same answer."""
        return {"status": "ok"}

    @app.get("/readyz", summary="Whether a post would be taken", tags=["operation"], responses=described(503))
    async def readyz() -> dict[str, str]:
        """503 while the queue is full."""
        try:
            gatherer.require_room(1)
        except BusyError as error:
            raise busy(error, HTTPStatus.SERVICE_UNAVAILABLE) from error
        return {"status": "ready"}

    @app.get("/metrics", summary="Figures for Prometheus", tags=["operation"], response_class=Response)
    async def figures() -> Response:
        """Requests, predictions, batches, the queue and the process, in the text format of Prometheus."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    add_page(app, PAGE)
    return app


def add_page(app: FastAPI, folder: Path) -> None:
    """Serve every file of ``folder`` under its name, ``index.html`` also at ``/``; nothing else can be asked for."""
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = file.relative_to(folder).as_posix()
        paths = ["/", f"/{name}"] if name == "index.html" else [f"/{name}"]
        for path in paths:
            app.add_route(path, _file_endpoint(file), methods=["GET"], include_in_schema=False)


def _file_endpoint(file: Path) -> Callable[[Request], Awaitable[FileResponse]]:
    async def give(_: Request) -> FileResponse:
        return FileResponse(file, headers={"Cache-Control": "no-cache"})

    return give


def _empty_app(gatherer: Gatherer[Any, Any]) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with gatherer.running():
            yield

    app = FastAPI(
        title="sentipair",
        version=version("sentipair"),
        description="The sentiment of posts of picture and text.",
        lifespan=lifespan,
        docs_url=None,  # both pages load scripts from elsewhere
        redoc_url=None,
    )
    answer_errors(app)
    return app


async def _in_time(answer: Awaitable[T], limits: Limits) -> T:
    try:
        async with asyncio.timeout(limits.seconds):
            return await answer
    except BusyError as error:
        raise busy(error) from error
    except TimeoutError:
        late = HTTPException(503, f"no answer within {limits.seconds:g} s", headers={"Retry-After": "1"})
        raise late from None
