"""`respond`: what is said, and when."""

from pydantic import Field

from listener.config.sections import Label, Section
from listener.vocabulary import URGENT_LABELS


class RespondConfig(Section):
    urgent: list[Label] = Field(list(URGENT_LABELS), description="Sounds that the cascade speaks up for.")
    texts: dict[Label, str] = Field({}, description="What it says, instead of the texts that come with us.")
    snooze_seconds: float = Field(600.0, ge=10, le=86_400, description="How long an acknowledged sound is quiet.")
