"""A Wyoming server: speech to text, text to speech and commands as text, for Home Assistant's Assist.

https://github.com/rhasspy/wyoming. A client sends what it likes: each has its limits, and none disturbs the others.
"""

import asyncio
import logging
from functools import partial
from typing import Final, Self

from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, Eventable
from wyoming.handle import Handled, NotHandled
from wyoming.intent import Entity, Intent, NotRecognized
from wyoming.ping import Pong
from wyoming.server import AsyncEventHandler, AsyncTcpServer
from wyoming.tts import Synthesize

from listener.config import WyomingServerConfig, is_loopback
from listener.errors import ListenerError
from listener.servers.utterance import Utterance
from listener.servers.wyoming_offer import Offer, chosen
from listener.types import Meaning
from listener.wyoming_wire import BoundedReader, read_event

logger = logging.getLogger(__name__)

PIECE_BYTES: Final = 8_192
"""Of sound in one event: 0.2 s at 22,050 Hz."""
MAX_TEXT_CHARACTERS: Final = 5_000
"""To be spoken: six minutes. Commands have a limit of their own."""
END_SECONDS: Final = 2.0
GOODBYE_SECONDS: Final = 2.0
DISCARD_BYTES: Final = 1 << 16


class _TcpServer(AsyncTcpServer):
    @property
    def bound_port(self) -> int:
        assert isinstance(self._server, asyncio.Server)
        return int(self._server.sockets[0].getsockname()[1])


class WyomingServer:
    """`async with`: serves `offer`. An address that cannot be had is an error in the log: rooms are heard all the same.

    `refused` counts the clients that were turned away, because there were too many or because of what they sent.
    """

    def __init__(self, config: WyomingServerConfig, offer: Offer) -> None:
        self.config = config
        self.offer = offer
        self.clients: set[asyncio.Task[None]] = set()
        self.port: int | None = None
        """Where it listens; None where it could not be started."""
        self.refused = 0
        self._server = _TcpServer(config.host, config.port)

    async def __aenter__(self) -> Self:
        where = f"{self.config.host}:{self.config.port}"
        try:
            await self._server.start(partial(_Client, self))
        except (OSError, OverflowError) as error:
            words = getattr(error, "strerror", None) or error
            logger.error("wyoming_server: %s: %s; correct wyoming_server.host and .port", where, words)
            return self
        self.port = self._server.bound_port
        logger.info("wyoming_server: tcp://%s:%d", self.config.host, self.port)
        if not is_loopback(self.config.host):
            logger.warning("wyoming_server: whoever reaches %s may have commands understood and timers set", where)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.port is None:
            return
        await self._server.stop()
        for client in self.clients:
            client.cancel()
        if self.clients:
            await asyncio.wait(self.clients, timeout=END_SECONDS)

    def refuse(self, who: str, why: str) -> None:
        self.refused += 1
        if self.refused.bit_count() == 1:  # said at 1, 2, 4, 8 …
            logger.warning("wyoming_server: %s was turned away: %s (%d so far)", who, why, self.refused)


class _Client(AsyncEventHandler):
    """One connection."""

    def __init__(self, server: WyomingServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self._server = server
        self._offer = server.offer
        self._bounded = BoundedReader(reader)
        peer = writer.get_extra_info("peername") or ("a client",)
        self._who = str(peer[0])
        self._utterance: Utterance | None = None
        self._language: str | None = None

    async def run(self) -> None:
        """Serve until it goes, falls silent, or sends what nobody understands; then say why, once."""
        clients, task = self._server.clients, asyncio.current_task()
        assert task is not None
        clients.add(task)
        try:
            if len(clients) > self._server.config.max_connections:
                raise ValueError(f"more than {self._server.config.max_connections} connections at a time")
            while (event := await self._next()) is not None:
                await self.handle_event(event)
        except ValueError as error:
            self._server.refuse(self._who, str(error))
            await self._say_goodbye(str(error))
        except ListenerError as error:
            logger.error("wyoming_server: %s got no answer: %s", self._who, error)
            await self._say_goodbye(str(error))
        except OSError:
            logger.debug("wyoming_server: %s has gone, or fell silent", self._who)
        except Exception:  # one client's misfortune is not the others'
            logger.exception("wyoming_server: %s could not be served; please report this", self._who)
        finally:
            clients.discard(task)
            self.writer.close()

    async def _next(self) -> Event | None:
        """Raises TimeoutError (an OSError) for a client that is idle."""
        async with asyncio.timeout(self._server.config.idle_seconds):
            return await read_event(self._bounded)

    async def _tell(self, answer: Eventable) -> None:
        async with asyncio.timeout(self._server.config.idle_seconds):  # or it does not read
            await self.write_event(answer.event())

    async def _say_goodbye(self, why: str) -> None:
        """Also to who is still sending: a connection that is closed before all is read takes our words with it."""
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._tell(Error(why))
                self.writer.write_eof()
                while await self.reader.read(DISCARD_BYTES):
                    pass
        except OSError:
            logger.debug("wyoming_server: %s did not wait to hear why", self._who)

    async def handle_event(self, event: Event) -> bool:
        """Answer one event; those that we do not know mean nothing to us, as the protocol has it."""
        match event.type:
            case "describe":
                await self._tell(self._offer.info())
            case "ping":
                await self._tell(Pong(_text(event, optional=True)))
            case "transcribe":
                self._language = _word(event, "language")
            case "audio-start":
                self._utterance = Utterance(self._server.config.max_audio_seconds)
            case "audio-chunk" if self._offer.hears is not None:
                if self._utterance is None:
                    self._utterance = Utterance(self._server.config.max_audio_seconds)
                self._utterance.add(event)
            case "audio-stop":
                await self._transcribe()
            case "synthesize":
                await self._speak(event)
            case "transcript" | "recognize":
                await self._understand(event)
        return True

    async def _transcribe(self) -> None:
        utterance, self._utterance = self._utterance, None
        if self._offer.hears is None or utterance is None:
            raise ValueError(
                "no speech is understood here" if self._offer.hears is None else "sound that did not begin"
            )
        hears, made = self._offer.hears
        language = chosen(made, self._language)
        samples = await asyncio.to_thread(utterance.finish)
        text = await hears.transcribe(samples, language) if len(samples) else ""
        await self._tell(Transcript(text, language=language))

    async def _speak(self, event: Event) -> None:
        if self._offer.speaks is None:
            raise ValueError("nothing is spoken here: voice.engine is none, or its voice cannot be loaded")
        text, voice = _text(event), Synthesize.from_event(event).voice if _is_voice(event) else None
        if len(text) > MAX_TEXT_CHARACTERS:
            raise ValueError(f"a text of {len(text)} characters; {MAX_TEXT_CHARACTERS} are the most")
        name, wanted = (None, None) if voice is None else (voice.name, voice.language)
        language, rate_hz = self._offer.voice_language(name, wanted), 0
        async for sound in self._offer.speaks[0].speak(text, language):
            if not rate_hz:
                rate_hz = sound.rate_hz
                await self._tell(AudioStart(rate_hz, 2, 1))
            for at in range(0, len(sound.pcm), PIECE_BYTES):
                await self._tell(AudioChunk(rate_hz, 2, 1, sound.pcm[at : at + PIECE_BYTES]))
        await self._tell(AudioStop())

    async def _understand(self, event: Event) -> None:
        if self._offer.understands is None:
            raise ValueError("no commands are understood here: nobody listens for speech, or it is switched off")
        understands, made = self._offer.understands
        meaning = await understands.understand(_text(event), chosen(made, _word(event, "language")))
        context = event.data.get("context")
        await self._tell(_answer(meaning, context if isinstance(context, dict) else None, event.type == "recognize"))


def _answer(meaning: Meaning, context: "dict[str, object] | None", intents_only: bool) -> Eventable:
    """`recognize` asks for an intent; `transcript` for whatever is done about it."""
    if meaning.intent is not None:
        entities = [Entity(name, value) for name, value in meaning.intent.slots.items()]
        return Intent(meaning.intent.name, entities, meaning.text or None, context)
    if intents_only:
        return NotRecognized(meaning.text or None, context)
    return Handled(meaning.text, context) if meaning.done else NotHandled(meaning.text, context)


def _word(event: Event, key: str) -> str | None:
    """Raises ValueError for what is no text."""
    value = event.data.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{event.type}: {key} is no text")
    return value


def _text(event: Event, *, optional: bool = False) -> str:
    text = _word(event, "text")
    if text is None and not optional:
        raise ValueError(f"{event.type}: without a text")
    return text or ""


def _is_voice(event: Event) -> bool:
    """Raises ValueError for a voice that is none."""
    voice = event.data.get("voice")
    if voice is not None and not (isinstance(voice, dict) and all(isinstance(word, str) for word in voice.values())):
        raise ValueError("synthesize: voice is none")
    return voice is not None
