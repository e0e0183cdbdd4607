"""`wyoming_server`: what we offer to Home Assistant's Assist, and to whom."""

from ipaddress import ip_address
from typing import Self

from pydantic import Field, model_validator

from listener.config.sections import HostName, Section, Slug


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach that address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class WyomingServerConfig(Section):
    host: HostName = Field(
        "127.0.0.1",
        description="There is no password: whoever reaches it may have text understood, spoken and set timers.",
    )
    port: int = Field(10_600, ge=0, le=65_535, description="Where Home Assistant finds us. 0: any that is free.")
    name: str = Field("Listener", min_length=1, max_length=60, description="As Home Assistant shows it.")
    speech_to_text: bool = Field(True, description="Offer the recognizer of `speech`.")
    text_to_speech: bool = Field(True, description="Offer the synthesizer of `voice`, if there is one.")
    conversation: bool = Field(True, description="Offer to understand commands as text.")
    room: Slug | None = Field(
        None,
        description="The room that Assist's commands are said in: its rules apply, its timers ring. Left out: the "
        "first room, and `the light` is not that of any room.",
    )
    announce: bool = Field(False, description="Let Home Assistant find us by zeroconf (extra `zeroconf`).")
    max_connections: int = Field(8, ge=1, le=100, description="More are turned away.")
    max_audio_seconds: float = Field(30.0, ge=2, le=120, description="An utterance may be so long.")
    idle_seconds: float = Field(60.0, ge=1, le=3_600, description="Who says nothing for so long is disconnected.")

    @model_validator(mode="after")
    def _announces_what_can_be_reached(self) -> Self:
        if self.announce and is_loopback(self.host):
            raise ValueError(
                f"announce: nobody else reaches {self.host}; give `host` the address of this machine, or 0.0.0.0"
            )
        return self
