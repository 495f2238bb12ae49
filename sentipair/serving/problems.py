"""Refusals: every error is ``{"detail": one line}``, in the words of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from sentipair.errors import UserError

CODES = (400, 401, 408, 413, 415, 422, 429, 503)
"""How a request can be refused."""


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str


class BusyError(Exception):
    """The server has enough to do; ``seconds`` is when to come again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"the server is busy; try again in {seconds} s")
        self.seconds = seconds


def busy(error: BusyError, status: HTTPStatus = HTTPStatus.TOO_MANY_REQUESTS) -> HTTPException:
    """The refusal of a request that may be repeated later."""
    return HTTPException(status, str(error), headers={"Retry-After": str(error.seconds)})


def described(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The refusals ``codes`` for the OpenAPI description."""
    return {code: {"model": Problem, "description": HTTPStatus(code).phrase} for code in codes}


def one_line(error: ValidationError | RequestValidationError) -> str:
    """The first thing that is wrong, and where."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    reason = first["msg"].removeprefix("Value error, ")
    return f"{place}: {reason}" if place else reason


def answer_errors(app: FastAPI) -> None:
    """Let ``app`` answer with a ``Problem`` whatever goes wrong."""

    async def user_error(_: Request, error: UserError) -> JSONResponse:
        return _problem(422, str(error))

    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return _problem(422, one_line(error))

    async def gone(_: Request, __: ClientDisconnect) -> JSONResponse:
        return _problem(400, "the request ended early")

    async def defect(_: Request, __: Exception) -> JSONResponse:  # the traceback goes to the log
        return _problem(500, "the server made a mistake; its log says which")

    handlers: Mapping[type[Exception], Any] = {
        UserError: user_error,
        RequestValidationError: invalid,
        ClientDisconnect: gone,
        Exception: defect,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def _problem(status: int, detail: str) -> JSONResponse:
    return JSONResponse({"detail": detail}, status)
