"""`speech`: how speech is heard, and by whom."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from listener.config.paths import UserPathOrName
from listener.config.sections import Form, Fraction, IntentName, Section

WhisperDevice = Annotated[str, Form(r"^(cpu|cuda|auto)$", "cpu, cuda or auto")]
ComputeType = Annotated[str, Form(r"^[a-z0-9_]+$", "one of CTranslate2's types in small letters, as in `int8`")]

CLOSED_INTENTS = (
    "HassTurnOn",
    "HassTurnOff",
    "HassLightSet",
    "HassSetPosition",
    "HassClimateSetTemperature",
    "HassClimateGetTemperature",
    "HassGetState",
    "HassGetWeather",
    "HassGetCurrentTime",
    "HassGetCurrentDate",
    "HassStartTimer",
    "HassCancelTimer",
    "HassPauseTimer",
    "HassUnpauseTimer",
    "HassTimerStatus",
    "HassSetVolume",
    "HassSetVolumeRelative",
    "HassMediaPause",
    "HassMediaUnpause",
    "HassMediaNext",
    "HassMediaPrevious",
    "HassNevermind",
    "ListenerStop",
    "ListenerRepeat",
    "ListenerWhatHeard",
    "ListenerQuiet",
    "ListenerVolume",
    "ListenerReminder",
    "ListenerYes",
    "ListenerNo",
)
"""What homes ask for. Each more makes the others harder to tell apart: this is a grammar, not a language."""


class VadConfig(Section):
    threshold: Fraction = Field(0.5, description="Silero's probability of a voice that begins an utterance.")
    min_speech_seconds: float = Field(0.16, ge=0.03, le=2, description="A voice for so long begins an utterance.")
    max_silence_seconds: float = Field(0.4, ge=0.2, le=3, description="Silence for so long ends an utterance.")
    max_seconds: float = Field(12.0, ge=2, le=60, description="An utterance is cut after so long.")
    above_noise_db: float = Field(6.0, ge=0, le=40, description="Below the noise floor plus this, nobody speaks.")


class WakeWordConfig(Section):
    model: UserPathOrName = Field(
        "okay_nabu",
        min_length=1,
        description="okay_nabu, hey_jarvis, hey_mycroft, alexa, or the path of a model of yours (.json or .tflite).",
    )
    threshold: Fraction | None = Field(None, description="Left out: what the model says itself.")
    listen_seconds: float = Field(6.0, ge=1, le=30, description="A command must begin so soon after the wake word.")
    follow_up_seconds: float = Field(6.0, ge=0, le=30, description="After a reply, so long without a wake word.")


class WhisperConfig(Section):
    model: UserPathOrName = Field(
        "base.en", min_length=1, description="Folder of a CTranslate2 model, or its name on the hub."
    )
    device: WhisperDevice = Field("cpu", description="cpu, cuda or auto.")
    compute_type: ComputeType = Field("int8", description="int8, float16, float32 …")
    beam_size: int = Field(1, ge=1, le=10, description="Wider is a little better and slower.")


class SpeechConfig(Section):
    enabled: bool = Field(True, description="`false`: nobody listens for speech.")
    recognizer: Literal["closed", "whisper", "none"] = Field(
        "closed", description="`closed`: the sentences below, English. `whisper`: any (extra `whisper`). `none`."
    )
    intents: list[IntentName] = Field(
        list(CLOSED_INTENTS), min_length=1, max_length=100, description="What the closed recognizer understands."
    )
    max_names: int = Field(
        500, ge=0, le=5_000, description="Entities in the closed grammar, the first of `home.entities`; more cost time."
    )
    temperatures: tuple[int, int] = Field(
        (5, 30), description="The least and the most that the closed recognizer sets; in Fahrenheit: `[50, 90]`."
    )
    confidence: Fraction = Field(0.5, description="After the wake word: what is understood less surely is no command.")
    open_confidence: Fraction = Field(0.7, description="The same where no wake word is needed, and prose is heard too.")
    pronunciations: dict[str, str] = Field(
        {}, description="Words and their phones (ARPABET), where our guess is wrong: `nabu: N AA B UW`."
    )
    vad: VadConfig = VadConfig()
    wake_word: WakeWordConfig = WakeWordConfig()
    whisper: WhisperConfig = WhisperConfig()

    def needed_confidence(self, addressed: str) -> float:
        """How sure the recognizer must be; `addressed` as in `types.Addressed`."""
        return self.confidence if addressed in ("wake_word", "follow_up") else self.open_confidence

    @field_validator("temperatures")
    @classmethod
    def _least_first(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not -50 <= value[0] <= value[1] <= 300:
            raise ValueError(f"is the least and the most, within -50 and 300; not {list(value)}")
        return value

    @model_validator(mode="after")
    def _phones_exist(self) -> Self:
        for word, phones in self.pronunciations.items():
            for phone in phones.split():
                if phone not in PHONES:
                    raise ValueError(
                        f"pronunciations: {word}: there is no phone {phone!r}; there are {' '.join(PHONES)}"
                    )
        return self


PHONES = (
    *("AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH", "IY", "JH"),
    *("K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH"),
)
"""ARPABET without stress, as in CMUdict's table for Sphinx."""
