"""`home`: what the things that are commanded by voice are called."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from listener.config.sections import Domain, Form, Section

SpokenName = Annotated[
    str,
    Field(min_length=1, max_length=64),
    Form(r"^[^\[\](){}<>|;:\r\n\t]*\w[^\[\](){}<>|;:\r\n\t]*$", "words as people say them, without []{}()<>|;:"),
]
"""As people say it. Brackets and the like would be read as sentence templates."""


class AreaConfig(Section):
    name: SpokenName = Field(description="As in Home Assistant: `Living room`.")
    aliases: list[SpokenName] = Field([], max_length=50, description="What else it is called.")


class FloorConfig(Section):
    name: SpokenName = Field(description="As in Home Assistant: `Ground floor`.")
    aliases: list[SpokenName] = Field([], max_length=50, description="What else it is called.")


class EntityConfig(Section):
    name: SpokenName = Field(description="As people say it; it is the slot `name` of the command.")
    aliases: list[SpokenName] = Field([], max_length=50, description="What else it is called.")
    area: str | None = Field(None, min_length=1, max_length=64, description="The area it is in, by name.")
    domain: Domain = Field(description="Home Assistant's: light, switch, cover, climate …")
    device_class: Domain | None = Field(
        None,
        description="Home Assistant's, for covers: door, garage and gate are dangerous, blind and shutter are not.",
    )


class HomeConfig(Section):
    areas: list[AreaConfig] = Field([], max_length=1_000, description="Rooms and the like.")
    floors: list[FloorConfig] = Field([], max_length=100, description="Storeys.")
    entities: list[EntityConfig] = Field(
        [], max_length=20_000, description="Things that can be switched, set or asked."
    )
    timer_names: list[SpokenName] = Field(
        ["pasta", "egg", "tea", "pizza", "oven", "rice", "bread", "laundry", "coffee", "potatoes", "cake", "dinner"],
        max_length=1_000,
        description="What timers may be called. The closed recognizer understands these names only.",
    )
    reminders: list[SpokenName] = Field(
        ["call mom", "take out the trash", "water the plants", "take my medicine", "check the oven", "feed the dog"],
        max_length=1_000,
        description="What one may be reminded of. The closed recognizer understands these only.",
    )

    @field_validator("areas", "floors")
    @classmethod
    def _names_differ(cls, places: Sequence[AreaConfig | FloorConfig]) -> Sequence[AreaConfig | FloorConfig]:
        names = [place.name.casefold() for place in places]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name!r} is there twice; give each a name of its own")
        return places

    @model_validator(mode="after")
    def _areas_exist(self) -> Self:
        known = {area.name for area in self.areas}
        for entity in self.entities:
            if entity.area is not None and entity.area not in known:
                raise ValueError(f"entity {entity.name!r}: no area is called {entity.area!r}; add it to home.areas")
        return self
