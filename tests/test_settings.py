"""Settings checked against signatures: types, ranges, defaults, suggestions."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict

from sentipair.errors import UserError
from sentipair.settings import Count, NonNegative, Positive, Rate, unknown_setting, validate_settings


class Example:
    """Has one setting of each kind."""

    def __init__(
        self,
        positional: int = 0,
        *,
        size: Count,
        dropout: Rate = 0.2,
        rate: Positive = 1e-3,
        weight: NonNegative = 1.0,
        kind: Literal["a", "b"] = "a",
        on: bool = True,
        limit: int | None = None,
    ) -> None: ...


class Schema(BaseModel):
    """The same as a pydantic model."""

    model_config = ConfigDict(extra="forbid")
    epochs: int = 3


def check(**settings: Any) -> dict[str, Any]:
    return validate_settings(Example, {"size": 2, **settings}, "model")


def test_defaults_complete_what_is_given() -> None:
    assert check(kind="b") == {
        "size": 2, "dropout": 0.2, "rate": 1e-3, "weight": 1.0, "kind": "b", "on": True, "limit": None
    }  # fmt: skip
    assert validate_settings(Schema, {}, "training") == {"epochs": 3}


def test_numbers_as_yaml_reads_them() -> None:
    assert check(rate="1e-4")["rate"] == 1e-4  # YAML 1.1 takes 1e-4 for a text
    assert check(weight=3)["weight"] == 3.0
    assert check(limit=5)["limit"] == 5


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"size": 0}, "setting model.size: Input should be greater than or equal to 1 .it is 0."),
        ({"size": 1.5}, "setting model.size: .*integer"),
        ({"size": "many"}, "setting model.size: .*integer.* .it is 'many'."),
        ({"dropout": 1}, "setting model.dropout: Input should be less than 1"),
        ({"dropout": -0.1}, "setting model.dropout: "),
        ({"rate": 0}, "setting model.rate: Input should be greater than 0"),
        ({"rate": float("nan")}, "setting model.rate: "),
        ({"weight": float("inf")}, "setting model.weight: "),
        ({"kind": "c"}, "setting model.kind: Input should be 'a' or 'b'"),
        ({"on": "perhaps"}, "setting model.on: "),
        ({"limit": []}, "setting model.limit: "),
        ({"dropot": 0.1}, "no setting 'model.dropot'; did you mean 'model.dropout'.$"),
        ({"positional": 1}, "no setting 'model.positional'"),
        ({"zzz": 1}, "no setting 'model.zzz'"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_in_one_line(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        check(**setting)
    assert "\n" not in str(raised.value)


def test_a_setting_without_default_must_be_given() -> None:
    with pytest.raises(UserError, match=r"^setting model.size is missing$"):
        validate_settings(Example, {}, "model")


def test_a_pydantic_model_is_checked_alike() -> None:
    with pytest.raises(UserError, match=r"did you mean 'training.epochs'"):
        validate_settings(Schema, {"epoch": 3}, "training")
    with pytest.raises(UserError, match=r"setting training.epochs: "):
        validate_settings(Schema, {"epochs": "x"}, "training")


def test_a_name_like_no_other_gets_the_list() -> None:
    assert unknown_setting("zzz", ["b", "a"]) == "no setting 'zzz'; known: a, b"
