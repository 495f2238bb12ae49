"""Settings by name: validated against a constructor's signature, a typo answered with the right name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from sentipair.errors import UserError

Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]


def validate_settings(target: type, settings: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The settings of ``target``, taken from ``settings`` and completed by its defaults.

    Args:
        target: a class whose keyword-only arguments are typed, or a pydantic model.
        settings: values by name.
        where: how the user calls this group, such as ``"objective"``; error messages name ``where.setting``.

    Raises:
        UserError: an unknown name, a name without a value, or a value of the wrong type or range.
    """
    schema = _schema(target)
    for name in settings:
        if name not in schema.model_fields:
            raise UserError(
                unknown_setting(f"{where}.{name}", [f"{where}.{field}" for field in schema.model_fields])
            )
        if _holds_truth(settings[name]) and not _takes_truth(schema.model_fields[name].annotation):
            raise UserError(
                f"setting {where}.{name}: {settings[name]!r} is a truth value; give a number or a name"
            )
    try:
        return schema(**settings).model_dump()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        if first["type"] == "missing":
            raise UserError(f"setting {where}.{name} is missing") from error
        raise UserError(f"setting {where}.{name}: {first['msg']} (it is {first['input']!r})") from error


def _holds_truth(value: Any) -> bool:
    """Whether a value is True or False, which pydantic would take for the numbers 1 and 0, or a group holds one."""
    return isinstance(value, bool) or (isinstance(value, Mapping) and any(map(_holds_truth, value.values())))


def _takes_truth(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True  # which checks its own
    return annotation in (bool, Any) or any(map(_takes_truth, get_args(annotation)))


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
    hints = get_type_hints(target.__init__, include_extras=True)
    parameters = inspect.signature(target).parameters.values()
    fields: dict[str, Any] = {
        p.name: (hints[p.name], ... if p.default is p.empty else p.default)
        for p in parameters
        if p.kind is p.KEYWORD_ONLY
    }
    rules = ConfigDict(extra="forbid", protected_namespaces=(), allow_inf_nan=False)
    return create_model("Settings", __config__=rules, **fields)
