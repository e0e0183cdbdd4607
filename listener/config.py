"""The configuration: strict sections, each with a description and bounds for every key. A leaf.

`load(path)` is the one way in; it raises ConfigError with one line for each thing that is wrong.
"""

import re
import unicodedata
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from listener.errors import ConfigError
from listener.vocabulary import SOUND_LABELS, URGENT_LABELS, Mode, Strictness

MAX_CONFIG_BYTES = 1_000_000


class Section(BaseModel):
    """Unknown keys are errors: a misspelt key must not be a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True)


Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=64)]
Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
TopicName = Annotated[str, Field(pattern=r"^[^+#\s/\x00]+(/[^+#\s/\x00]+)*$", max_length=100)]


class MicrophoneSource(Section):
    type: Literal["microphone"]
    device: str | None = Field(
        None,
        min_length=1,
        description="Part of the device's name, or its stable id, as `listener devices` prints them; never a number, "
        "because numbers move. Left out: the system's default input.",
    )

    @field_validator("device")
    @classmethod
    def _no_number(cls, device: str | None) -> str | None:
        if device is not None and device.strip().lstrip("-").isdigit():
            raise ValueError("is a number, and numbers move; give the name or id that `listener devices` prints")
        return device


class FileSource(Section):
    type: Literal["file"]
    path: Path = Field(description="A recording: wav, flac, ogg or mp3.")
    realtime: bool = Field(True, description="Play at the speed of life. `false`: as fast as it goes.")
    loop: bool = Field(False, description="Begin again at the end.")


PcmFormat = Literal["s16le", "s24le", "s32le", "f32le", "u8"]


class PipeSource(Section):
    type: Literal["pipe"]
    rate: int = Field(16_000, ge=4_000, le=384_000, description="Samples per second of the raw PCM on stdin.")
    channels: int = Field(1, ge=1, le=32, description="Interleaved channels; they are mixed.")
    format: PcmFormat = Field("s16le", description="Sample format, as ffmpeg names it.")


SourceConfig = Annotated[MicrophoneSource | FileSource | PipeSource, Field(discriminator="type")]


def slugify(name: str) -> str:
    """The room's slug: NFKD, ASCII, lower case, `[a-z0-9_]`; empty if nothing of the name survives."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = "".join(c if c.isalnum() else " " for c in ascii_name.lower()).split()
    return "_".join(words)


class RoomConfig(Section):
    name: str = Field(min_length=1, max_length=64, description="As people call it; shown in Home Assistant.")
    slug: Slug = Field("", description="In topics and ids. Left out: made from the name.")
    source: SourceConfig = Field(description="Where the sound comes from.")
    output: str | None = Field(None, description="Name of the playback device for spoken answers.")
    addressing: Literal["wake_word", "open"] = Field("wake_word", description="Who may give commands, and how.")
    strictness: Strictness = Field("balanced", description="How sure a sound must be before it is reported.")
    threshold: Fraction = Field(0.5, description="Probability of responding above which the engine answers.")
    language: str = Field("en", pattern=r"^[a-z]{2,3}$", description="Language code of the answers.")
    mode: Mode = Field("assistant", description="`assistant`, or `monitor`: speaks only of sounds.")

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


class TlsConfig(Section):
    ca_file: Path | None = Field(None, description="Certificates that we trust. Left out: the system's.")
    cert_file: Path | None = Field(None, description="Our client certificate (PEM).")
    key_file: Path | None = Field(None, description="The client certificate's key (PEM).")

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together; give both or neither")
        return self


class MqttConfig(Section):
    broker: Literal["external", "embedded"] = Field(
        "external", description="`embedded` starts a broker inside the daemon, on `host` and `port`."
    )
    host: str = Field("127.0.0.1", min_length=1, description="The broker's name or address.")
    port: int = Field(0, ge=0, le=65_535, description="0: 1883, or 8883 with `tls`.")
    protocol: Literal["3.1.1", "5"] = Field("3.1.1", description="MQTT version.")
    client_id: str = Field("listener", min_length=1, max_length=64, description="Unique at the broker.")
    username: str | None = Field(None, min_length=1, description="Or the environment: LISTENER_MQTT_USERNAME.")
    password_file: Path | None = Field(
        None, description="File whose first line is the password. Or the environment: LISTENER_MQTT_PASSWORD."
    )
    tls: TlsConfig | None = Field(None, description="`tls: {}` switches TLS on with the system's certificates.")
    keepalive_seconds: int = Field(30, ge=5, le=3_600)
    base_topic: TopicName = Field("listener", description="First part of every topic of ours.")
    discovery: bool = Field(True, description="Announce devices and entities to Home Assistant.")
    discovery_prefix: TopicName = Field("homeassistant", description="As set in Home Assistant.")

    @model_validator(mode="after")
    def _embedded_is_plain(self) -> Self:
        if self.broker == "embedded" and self.tls is not None:
            raise ValueError("the embedded broker speaks no TLS; use an external broker, or leave `tls` out")
        if self.broker == "embedded" and self.protocol != "3.1.1":
            raise ValueError("the embedded broker speaks MQTT 3.1.1 only; leave `protocol` out, or use an external one")
        return self

    @property
    def effective_port(self) -> int:
        return self.port or (1883 if self.tls is None else 8883)


class EngineConfig(Section):
    name: Literal["cascade", "audio-interaction"] = Field("cascade", description="What decides.")
    model: Path | None = Field(None, description="Folder of the Audio-Interaction checkpoint.")
    device: str = Field("cuda", pattern=r"^(cpu|cuda(:\d+)?)$", description="`cuda`, `cuda:1` … or `cpu`.")
    dtype: Literal["bfloat16", "float16", "float32"] = Field("bfloat16", description="Of the weights on the device.")
    weights: Literal["full", "int8", "4bit"] = Field("full", description="Smaller weights, for small GPUs.")
    window: int = Field(2_048, ge=256, le=4_096, description="Positions of context that each room keeps.")
    max_rooms: int = Field(4, ge=1, le=256, description="Rooms that share the model; memory is taken for all.")
    greedy: bool = Field(False, description="The same answers every time, instead of sampled ones.")
    threads: int | None = Field(
        None,
        ge=1,
        le=64,
        description="Threads that listen, each with a model of its own. Left out: one a core.",
    )

    @model_validator(mode="after")
    def _model_is_given(self) -> Self:
        if self.name == "audio-interaction" and self.model is None:
            raise ValueError("audio-interaction needs `model`, the folder of its checkpoint")
        return self


class LabelTuning(Section):
    """What of a label's defaults to change. Thresholds are given for `balanced`; strictness moves them."""

    on: float | None = Field(None, gt=0.0, lt=1.0, description="Score above which a window counts.")
    off: float | None = Field(None, gt=0.0, lt=1.0, description="Score below which the sound has stopped.")
    windows: int | None = Field(None, ge=1, le=25, description="N of M: so many windows above `on`…")
    of: int | None = Field(None, ge=1, le=25, description="… of the last so many start the sound.")
    hold_seconds: float | None = Field(None, ge=0.4, le=600, description="Below `off` for so long ends it.")


class CustomLabel(Section):
    classes: list[str] = Field(min_length=1, description="AudioSet classes, as the tagger's model names them.")
    tuning: LabelTuning = LabelTuning()


class SoundsConfig(Section):
    tagger: Literal["yamnet", "none"] = Field("yamnet", description="`none`: alarm patterns only.")
    model: Path | None = Field(None, description="Path of yamnet.tflite. Left out: the models folder.")
    labels: list[Label] | None = Field(None, description="The sounds to report. Left out: all of them.")
    tuning: dict[Label, LabelTuning] = Field({}, description="Per label, what differs from the defaults.")
    custom: dict[Label, CustomLabel] = Field({}, description="Labels of your own, from classes of the tagger.")

    @model_validator(mode="after")
    def _known_labels(self) -> Self:
        for label in self.custom:
            if label in SOUND_LABELS:
                raise ValueError(f"custom.{label} exists already; use tuning.{label} to change it")
        known = {*SOUND_LABELS, *self.custom}
        for where, labels in (("labels", self.labels or ()), ("tuning", self.tuning)):
            for label in labels:
                if label not in known:
                    raise ValueError(f"{where}: no sound is called {label!r}; see `listener check` for the list")
        return self

    @property
    def reported_labels(self) -> tuple[str, ...]:
        everything = (*SOUND_LABELS, *self.custom)
        return everything if self.labels is None else tuple(x for x in everything if x in self.labels)


class RespondConfig(Section):
    urgent: list[Label] = Field(list(URGENT_LABELS), description="Sounds that the cascade speaks up for.")
    texts: dict[Label, str] = Field({}, description="What it says, instead of the texts that come with us.")
    snooze_seconds: float = Field(600.0, ge=10, le=86_400, description="How long an acknowledged sound is quiet.")


class Config(Section):
    rooms: list[RoomConfig] = Field(min_length=1, max_length=1_000, description="One entry a microphone.")
    mqtt: MqttConfig | None = Field(None, description="Left out: events go to stdout only, with --json.")
    engine: EngineConfig = EngineConfig()
    sounds: SoundsConfig = SoundsConfig()
    respond: RespondConfig = RespondConfig()

    @model_validator(mode="after")
    def _rooms_fit_together(self) -> Self:
        seen: dict[str, str] = {}
        for room in self.rooms:
            if room.slug in seen:
                raise ValueError(
                    f"rooms {seen[room.slug]!r} and {room.name!r} have the same slug {room.slug!r}; "
                    "give one of them a `slug` of its own"
                )
            seen[room.slug] = room.name
        pipes = [room.name for room in self.rooms if isinstance(room.source, PipeSource)]
        if len(pipes) > 1:
            raise ValueError(f"rooms {', '.join(map(repr, pipes))}: only one room can read stdin")
        return self

    @model_validator(mode="after")
    def _urgent_is_reported(self) -> Self:
        known = {*SOUND_LABELS, *self.sounds.custom}
        for where, labels in (("urgent", self.respond.urgent), ("texts", self.respond.texts)):
            for label in labels:
                if label not in known:
                    raise ValueError(f"respond.{where}: no sound is called {label!r}")
        return self


class _Loader(yaml.SafeLoader):
    """YAML whose only booleans are true and false, as in YAML 1.2: `on` and `off` are names of thresholds here."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_TRUE_FALSE = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _TRUE_FALSE, [*"tTfF"])


def _line(error: Any) -> str:
    """One validation error as `where: what`, with the location as a person would write it."""
    where = ""
    for part in error["loc"]:
        if part in ("microphone", "file", "pipe") and where.endswith("source"):
            continue  # the discriminator is no key of the file
        where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else str(part)
    what = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        what = "unknown key; see config.example.yaml for those that exist"
    if error["type"] == "missing":
        what = "is missing"
    return f"{where}: {what}" if where else what


def parse(data: Any, name: str = "configuration") -> Config:
    """Validate parsed YAML. Raises ConfigError with one line for each error, each naming `name` and the key."""
    if data is None:
        raise ConfigError(f"{name}: is empty; begin with config.example.yaml")
    if not isinstance(data, dict):
        raise ConfigError(f"{name}: must be a mapping with the key `rooms`, not a {type(data).__name__}")
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        lines = [f"{name}: {_line(e)}" for e in error.errors(include_url=False, include_input=False)]
        raise ConfigError("\n".join(dict.fromkeys(lines))) from None


def load(path: Path) -> Config:
    """Read the configuration file. Raises ConfigError: unreadable, too large, no YAML, or not valid."""
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ConfigError(f"{path}: is larger than {MAX_CONFIG_BYTES} bytes; this is no configuration of ours")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; give the right path with -c") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 (it is a SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" line {mark.line + 1}, column {mark.column + 1}:" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be parsed"
        raise ConfigError(f"{path}:{place} no valid YAML: {problem}") from None
    except (RecursionError, ValueError) as error:
        raise ConfigError(f"{path}: no valid YAML: {type(error).__name__}: {error}") from None
    return parse(data, str(path))
