"""Settings by name: validated against a constructor's signature, a typo answered with the right name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from sentipair.errors import UserError


def validate_settings(target: type, settings: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The settings of ``target``, taken from ``settings`` and completed by its defaults.

    Args:
        target: a class whose keyword-only arguments are typed, or a pydantic model.
        settings: values by name.
        where: how the user calls this group, such as ``"objective"``; error messages name ``where.setting``.

    Raises:
        UserError: an unknown name, or a value of the wrong type.
    """
    schema = _schema(target)
    for name in settings:
        if name not in schema.model_fields:
            raise UserError(
                unknown_setting(f"{where}.{name}", [f"{where}.{field}" for field in schema.model_fields])
            )
    try:
        return schema(**settings).model_dump()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise UserError(f"setting {where}.{name}: {first['msg']} (it is {first['input']!r})") from error


def unknown_setting(name: str, known: list[str]) -> str:
    """The message for a setting that does not exist, with the nearest one that does."""
    near = get_close_matches(name, known, n=1)
    return f"no setting {name!r}; " + (
        f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
    )


@cache
def _schema(target: type) -> type[BaseModel]:
    if issubclass(target, BaseModel):
        return target
    hints = get_type_hints(target.__init__)
    parameters = inspect.signature(target).parameters.values()
    fields: dict[str, Any] = {
        p.name: (hints[p.name], ... if p.default is p.empty else p.default)
        for p in parameters
        if p.kind is p.KEYWORD_ONLY
    }
    return create_model("Settings", __config__=ConfigDict(extra="forbid", protected_namespaces=()), **fields)
