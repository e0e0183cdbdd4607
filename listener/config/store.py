"""`outbox`: what waits for the broker, how much of it and how long."""

from typing import Self

from pydantic import Field, model_validator

from listener.config.sections import Section


class OutboxConfig(Section):
    durable: bool = Field(True, description="Keep events on disk until the broker has them. False: in memory only.")
    max_messages: int = Field(10_000, ge=100, le=1_000_000, description="Events that wait at most.")
    max_megabytes: float = Field(16.0, ge=0.1, le=1_000, description="Their payloads together, in 10^6 bytes.")
    max_age_hours: float = Field(24.0, gt=0, le=8_760, description="Older events are dropped and counted.")
    max_urgent_age_hours: float = Field(168.0, gt=0, le=8_760, description="The same for urgent ones.")

    @model_validator(mode="after")
    def _urgent_longest(self) -> Self:
        if self.max_urgent_age_hours < self.max_age_hours:
            raise ValueError("max_urgent_age_hours must not be less than max_age_hours: urgent events are kept longest")
        return self
