"""The rooms' voices: one synthesizer for all, one loudspeaker for each `output`, shared by the rooms that name it."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from listener.config import Config, RoomConfig, VoiceConfig
from listener.errors import VoiceError
from listener.respond.mouth import RoomVoice
from listener.respond.output import Output, Synthesizer
from listener.respond.playback import Loudspeaker
from listener.respond.turns import Turns
from listener.respond.voice.synthesis import SynthesisProcess

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Voices:
    """What rooms speak with. Rooms that name their output alike take turns."""

    config: VoiceConfig
    synthesizer: Synthesizer | None
    turns: dict[str, Turns] = field(default_factory=dict)
    loudspeaker: Callable[[str], Output] = Loudspeaker
    """By the name that a room's `output` gives."""

    def of(self, room: RoomConfig, own: Output | None = None) -> RoomVoice | None:
        """None: this room's answers are text only. `own`: a loudspeaker that only this room has."""
        if self.synthesizer is None or room.output is None:
            return None
        return RoomVoice(
            room.name,
            self.synthesizer,
            own or self.loudspeaker(room.output),
            self.turns.setdefault(room.output.casefold(), Turns()) if own is None else Turns(),
            room.language,
            self.config.volume,
            self.config.chimes,
            self.config.cancel_echo,
        )


NO_VOICES = Voices(VoiceConfig(), None)


@asynccontextmanager
async def open_voices(config: Config) -> AsyncIterator[Voices]:
    """Load the voice, if one is configured and a room has an output. A voice that cannot be had is logged, no more."""
    voice = config.voice
    for_assist = config.wyoming_server is not None and config.wyoming_server.text_to_speech
    if voice.engine == "none" or not (for_assist or any(room.output for room in config.rooms)):
        yield Voices(voice, None)
        return
    async with SynthesisProcess(voice.engine, voice.model if voice.engine == "piper" else None, voice.rate) as process:
        try:
            logger.info("voice: %s", await process.start())
        except VoiceError as error:
            logger.error("voice: %s. Answers are text only until then; `listener check` says more", error)
        yield Voices(voice, process)
