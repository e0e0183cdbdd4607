"""What can go wrong, one class per layer. A message says what was wrong, where, and what to do."""


class ListenerError(Exception):
    """Root of every error that this package raises on purpose. `str(error)` is fit for a person to read."""


class ConfigError(ListenerError):
    """The configuration cannot be used: an unknown key, a wrong value, a file that is not there."""


class SourceError(ListenerError):
    """A recording, pipe or device delivers no usable sound. The room shows it and tries again if it can."""


class DeviceNotFoundError(SourceError):
    """No sound device has the configured name; the message lists those that exist, nearest name first."""


class ModelError(ListenerError):
    """A model file is missing, damaged, or not the one that was asked for."""


class PerceiveError(ListenerError):
    """A tagger or another part of perception failed on one chunk."""


class EngineError(ListenerError):
    """The engine that decides cannot be built, has no place for another room, or failed on one step."""


class VoiceError(ListenerError):
    """Speech cannot be made or played: no synthesizer, no voice, no output. What is said stays an event."""


class PublishError(ListenerError):
    """A sink cannot be opened, or the broker refused us."""


class NoAnswerError(PublishError):
    """Nobody is there to be asked: no broker listens, no daemon is online at it, or it said nothing in time."""


class PayloadError(ListenerError):
    """A message on a set topic is not understood. It changes nothing."""


class StoreError(ListenerError):
    """State on disk cannot be read or written."""


class HomeAssistantError(ListenerError):
    """Home Assistant's conversation API is not there, does not let us in, or answers with what is no answer."""
