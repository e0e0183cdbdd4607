"""What every section of the configuration is made of."""

import re
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, core_schema


class Section(BaseModel):
    """Unknown keys are errors: a misspelt key must not be a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _true_is_no_number(cls, data: Any) -> Any:
        """pydantic would take it for 1."""
        errors = [
            InitErrorDetails(type=kind, loc=(name,), input=value)
            for name, value in (data.items() if isinstance(data, dict) else ())
            if isinstance(value, bool) and (kind := cls._numbers(name))
        ]
        if errors:
            raise ValidationError.from_exception_data(cls.__name__, errors)
        return data

    @classmethod
    def _numbers(cls, name: str) -> str:
        """The error of a field that takes numbers and neither true nor false; empty: of another."""
        types = _types(cls.model_fields[name].annotation) if name in cls.model_fields else set()
        return "" if bool in types else "float_type" if float in types else "int_type" if int in types else ""


def _types(annotation: Any) -> set[Any]:
    """Of a value itself, not of what a list of values holds."""
    if get_origin(annotation) is Annotated:
        return _types(get_args(annotation)[0])
    choices = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else ()
    return set().union(*map(_types, choices)) if choices else {annotation}


@dataclass(frozen=True, slots=True)
class Form:
    """How a text must look: a regular expression for machines, and `must be …` for who wrote something else.

    Bounds of its length go before it: `Annotated[str, Field(max_length=40), Form(…)]`.
    """

    pattern: str
    words: str

    def _checked(self, text: str) -> str:
        if re.fullmatch(self.pattern, text) is None:
            raise ValueError(f"must be {self.words}")
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": self.pattern}


Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Slug = Annotated[
    str, Field(max_length=64), Form(r"^[a-z0-9_]+$", "small letters, digits and `_` only, as in `living_room`")
]
Label = Annotated[
    str,
    Field(max_length=40),
    Form(r"^[a-z][a-z0-9_]*$", "small letters, digits and `_`, a letter first, as in `dog_bark`"),
]
TopicName = Annotated[
    str,
    Field(max_length=100),
    Form(r"^[^+#\s/\x00]+(/[^+#\s/\x00]+)*$", "words without spaces, `+` and `#`, with `/` between them"),
]
IntentName = Annotated[
    str, Field(max_length=60), Form(r"^[A-Z][A-Za-z0-9]*$", "the name of an intent, as in `HassTurnOn`")
]
Domain = Annotated[
    str, Field(max_length=40), Form(r"^[a-z][a-z0-9_]*$", "a word of Home Assistant's in small letters, as in `light`")
]
HostName = Annotated[
    str,
    Field(min_length=1, max_length=253),
    Form(r"^[A-Za-z0-9._:%-]+$", "a name or an address without spaces, as in `192.168.1.20`"),
]
