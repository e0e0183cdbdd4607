"""espeak-ng by ctypes, as espeakng-loader brings it. Runs in the synthesis process only (see `program`).

Constants are those of espeak-ng's speak_lib.h (1.52).
"""

import ctypes
from typing import Final

from listener.errors import VoiceError
from listener.origin import extra_command

AUDIO_OUTPUT_SYNCHRONOUS: Final = 2
INITIALIZE_DONT_EXIT: Final = 0x8000
CHARS_UTF8, ENDPAUSE = 1, 0x1000
POS_CHARACTER: Final = 1
PARAMETER_RATE, PARAMETER_VOLUME, PARAMETER_PITCH, PARAMETER_RANGE = 1, 2, 3, 4

WORDS_PER_MINUTE: Final = 160
"""At rate 1. espeak's own 175 is brisk for a voice from across the room."""
RATES: Final = (80, 450)
VOLUME: Final = 100

VOICES: Final = {"en": "en-us", "zh": "cmn", "no": "nb", "iw": "he"}
"""Where a language's code is not espeak's name for it."""

_SYNTH_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Espeak:
    """One a process: the library keeps its state in globals. Raises VoiceError where it cannot be loaded."""

    def __init__(self) -> None:
        try:
            import espeakng_loader
        except ModuleNotFoundError:
            raise VoiceError(f"espeak-ng is not installed: {extra_command('voice')}") from None
        try:
            self._library = ctypes.CDLL(espeakng_loader.get_library_path())
            data = espeakng_loader.get_data_path()
        except (OSError, RuntimeError) as error:
            raise VoiceError(f"espeak-ng cannot be loaded ({error}); reinstall espeakng-loader") from None
        self._sound = bytearray()
        self._callback = _SYNTH_CALLBACK(self._take)  # kept: the library does not own it
        self.rate_hz: int = self._library.espeak_Initialize(
            AUDIO_OUTPUT_SYNCHRONOUS, 0, data.encode(), INITIALIZE_DONT_EXIT
        )
        if self.rate_hz <= 0:
            raise VoiceError(f"espeak-ng finds no data in {data}; reinstall espeakng-loader")
        self._library.espeak_SetSynthCallback(self._callback)

    def say(self, text: str, language: str, rate: float, pitch: float, pitch_range: float) -> bytes:
        """int16 mono at `rate_hz`. Raises VoiceError for a language that espeak-ng does not speak."""
        library = self._library
        name = VOICES.get(language, language)
        if library.espeak_SetVoiceByName(name.encode()) != 0:
            raise VoiceError(f"espeak-ng has no voice for the language {language!r}")
        words = min(max(round(WORDS_PER_MINUTE * rate), RATES[0]), RATES[1])
        library.espeak_SetParameter(PARAMETER_RATE, words, 0)
        library.espeak_SetParameter(PARAMETER_VOLUME, VOLUME, 0)
        library.espeak_SetParameter(PARAMETER_PITCH, round(100 * pitch), 0)
        library.espeak_SetParameter(PARAMETER_RANGE, round(100 * pitch_range), 0)
        data = text.encode("utf-8", "replace") + b"\0"
        self._sound.clear()
        status = library.espeak_Synth(data, len(data), 0, POS_CHARACTER, 0, CHARS_UTF8 | ENDPAUSE, None, None)
        if status != 0:
            raise VoiceError(f"espeak-ng cannot say this (its error {status})")
        library.espeak_Synchronize()
        return bytes(self._sound)

    def _take(self, wave: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
        if wave and count > 0:
            self._sound += ctypes.string_at(wave, 2 * count)
        return 0
