"""`rooms`: one entry a microphone."""

import unicodedata
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from listener.config.privacy import Hours
from listener.config.sections import Form, Fraction, Section, Slug
from listener.config.sources import SourceConfig, WyomingSource
from listener.vocabulary import Strictness

SATELLITE: Final = "satellite"
"""The output of a room whose source is a Wyoming satellite: that satellite's own loudspeaker."""


LanguageCode = Annotated[
    str, Form(r"^[a-z]{2,3}$", "the code of a language, of two or three small letters, as in `en`")
]


def slugify(name: str) -> str:
    """The room's slug: NFKD, ASCII, lower case, `[a-z0-9_]`; empty if nothing of the name survives."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = "".join(c if c.isalnum() else " " for c in ascii_name.lower()).split()
    return "_".join(words)


class RoomConfig(Section):
    name: str = Field(min_length=1, max_length=64, description="As people call it; shown in Home Assistant.")
    slug: Slug = Field("", description="In topics and ids. Left out: made from the name.")
    source: SourceConfig = Field(description="Where the sound comes from.")
    output: str | None = Field(
        None,
        description="Loudspeaker for spoken answers: a device's name or stable id, `default`, or `satellite`: that of "
        "the room's satellite. Left out: text only.",
    )
    addressing: Literal["wake_word", "open"] = Field("wake_word", description="Who may give commands, and how.")
    strictness: Strictness = Field("balanced", description="How sure a sound must be before it is reported.")
    threshold: Fraction = Field(0.5, description="Probability of responding above which the engine answers.")
    language: LanguageCode = Field("en", description="Language code of the answers.")
    mode: str = Field(
        "assistant",
        max_length=60,
        description="`assistant`; `monitor`: speaks only of sounds; audio-interaction also offers `transcribe` and "
        "`translate to LANGUAGE`.",
    )
    muted_hours: list[Hours] | None = Field(
        None, max_length=50, description="Instead of `privacy.muted_hours`. `[]`: this room listens at all hours."
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_slug(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("name"), str) and not data.get("slug"):
            return {**data, "slug": slugify(data["name"])}
        return data

    @field_validator("slug", mode="before")
    @classmethod
    def _usable_slug(cls, slug: Any, info: ValidationInfo) -> Any:
        if slug == "" and info.data.get("name"):
            raise ValueError("no letter or digit of the name can be used in a topic; give the room a `slug`")
        if slug == "bridge":
            raise ValueError("'bridge' is the daemon's own topic; give the room another `slug`")
        return slug or "unnamed"  # a missing name is its own error

    @model_validator(mode="after")
    def _satellite_has_one(self) -> Self:
        if self.output == SATELLITE and not isinstance(self.source, WyomingSource):
            raise ValueError("output: `satellite` needs a source of type wyoming; name a loudspeaker of this machine")
        return self
