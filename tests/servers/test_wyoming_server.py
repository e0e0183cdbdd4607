"""The Wyoming server's protocol: what it answers, and what it does with clients that are broken or hostile."""

import asyncio
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers.wyoming_parts import MADE, Parrot, RecordingEars, ask, client, offer, said, serving
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import Handled, NotHandled
from wyoming.info import Describe, Info
from wyoming.intent import Intent, NotRecognized, Recognize
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize, SynthesizeVoice

from listener.servers.wyoming import MAX_TEXT_CHARACTERS, WyomingServer
from listener.wyoming_wire import MAX_EVENT_BYTES


async def error(server: WyomingServer, *events: Event) -> str:
    """What the server says before it hangs up."""
    async with client(server) as connected:
        for event in events:
            await connected.write_event(event)
        answer = await connected.read_event()
        assert answer is not None
        assert await connected.read_event() is None, "it goes on"
    return Error.from_event(answer).text


async def test_it_says_what_it_can_do_and_no_more() -> None:
    async with serving() as server:
        answer = await ask(server, Describe().event())
    assert answer is not None
    info = Info.from_event(answer)
    assert [p.name for p in (*info.asr, *info.tts, *info.intent, *info.handle)] == ["Listener"] * 4
    assert {p.version for p in (*info.asr, *info.tts, *info.intent, *info.handle)} == {"1.2"}
    assert info.asr[0].models[0].languages == ["en", "de"]
    assert info.asr[0].models[0].attribution.name == "somebody"
    assert [(v.name, v.languages) for v in info.tts[0].voices] == [("model-en", ["en"]), ("model-de", ["de"])]
    async with serving(offer(hears=None, speaks=None)) as server:
        answer = await ask(server, Describe().event())
    assert answer is not None
    info = Info.from_event(answer)
    assert (info.asr, info.tts, len(info.handle)) == ([], [], 1)


async def test_pings_are_answered_and_unknown_events_mean_nothing() -> None:
    async with serving() as server:
        answer = await ask(server, Event("select-program", {"name": "x"}), Event("?!"), Ping("7").event())
    assert answer is not None
    assert Pong.from_event(answer).text == "7"


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (48_000, 2), (22_050, 1)])
async def test_sound_of_any_rate_is_transcribed(rate: int, channels: int) -> None:
    ears = RecordingEars()
    sine = 0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate)
    async with serving(offer(hears=(ears, MADE))) as server:
        answer = await ask(server, *said(sine, rate, channels=channels, language="de-DE"))
    assert answer is not None
    assert Transcript.from_event(answer) == Transcript("2.0 s", language="de")
    ((samples, language),) = ears.heard
    assert language == "de"
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(32_000) / 16_000)
    assert np.abs(samples[200:31_800] - expected[200:31_800]).max() < 0.01


async def test_several_utterances_on_one_connection() -> None:
    async with serving() as server, client(server) as connected:
        for seconds in (0.4, 0.8):
            for event in said(np.zeros(round(16_000 * seconds))):
                await connected.write_event(event)
            answer = await connected.read_event()
            assert answer is not None
            assert Transcript.from_event(answer).text == f"{seconds} s"


async def test_silence_without_any_sound_is_an_empty_text() -> None:
    async with serving() as server:
        answer = await ask(server, *said(np.zeros(0)))
    assert answer is not None
    assert Transcript.from_event(answer).text == ""


@pytest.mark.parametrize(
    ("voice", "letter"),
    [(None, "e"), (SynthesizeVoice(name="model-de"), "d"), (SynthesizeVoice(language="de-DE"), "d")],
)
async def test_text_is_spoken_in_the_voice_that_is_named(voice: SynthesizeVoice | None, letter: str) -> None:
    async with serving() as server, client(server) as connected:
        await connected.write_event(Synthesize("Good morning. Coffee", voice).event())
        seen = []
        while not (seen and AudioStop.is_type(seen[-1].type)):
            answer = await connected.read_event()
            assert answer is not None
            seen.append(answer)
    assert AudioStart.from_event(seen[0]).rate == 22_050
    sound = b"".join(AudioChunk.from_event(event).audio for event in seen[1:-1])
    assert np.frombuffer(sound, "<i2").tolist() == [ord(letter)] * 19_000


async def test_commands_as_text_become_intents_answers_or_neither() -> None:
    context = {"conversation_id": "c"}
    async with serving() as server:
        asked = [
            Transcript("turn on the lamp", context).event(),
            Transcript("what time is it", context, "de").event(),
            Transcript("abracadabra", context).event(),
            Recognize("turn on the lamp").event(),
            Recognize("what time is it").event(),
        ]
        answers = [await ask(server, event) for event in asked]
    lamp, noon, what, lamp_again, not_for_us = (event for event in answers if event is not None)
    intent = Intent.from_event(lamp)
    assert (intent.name, intent.text, intent.context) == ("HassTurnOn", "Done.", context)
    assert [(entity.name, entity.value) for entity in intent.entities] == [("name", "Lamp")]
    assert Handled.from_event(noon) == Handled("Noon (de).", context)
    assert NotHandled.is_type(what.type)
    assert NotHandled.from_event(what).text == "What?"
    assert Intent.is_type(lamp_again.type)
    assert NotRecognized.is_type(not_for_us.type)


@pytest.mark.parametrize(
    ("events", "words"),
    [
        (said(np.zeros(16_000 * 3)), "an utterance of more than 2 s (wyoming_server.max_audio_seconds)"),
        (said(np.zeros(160), width=4), "sound of rate 16000, width 4, channels 1"),
        (said(np.zeros(160), rate=7), "a rate of 7 Hz is outside"),
        ([*said(np.zeros(160))[:-1], *said(np.zeros(160), rate=8_000)[2:]], "changes its format in the middle"),
        (said(np.zeros(160), language="tlh"), "'tlh' is not among the languages en, de"),
        ([AudioStop().event()], "sound that did not begin"),
        ([Synthesize("hello", SynthesizeVoice(name="model-tlh")).event()], "there is no voice 'model-tlh'"),
        ([Synthesize("x" * (MAX_TEXT_CHARACTERS + 1)).event()], "5000 are the most"),
        ([Event("synthesize", {})], "synthesize: without a text"),
        ([Event("synthesize", {"text": "x", "voice": 7})], "voice is none"),
        ([Event("transcript", {"text": ["x"]})], "transcript: text is no text"),
        ([Event("transcript", {"text": "x", "language": 7})], "language is no text"),
        ([Event("audio-chunk", {"rate": "x", "width": 2, "channels": 1})], "sound of rate 'x'"),
        ([Event("audio-chunk", {"rate": 16_000, "width": 2, "channels": 10**9})], "channels 1000000000"),
    ],
)
async def test_what_cannot_be_answered_is_told_and_the_client_goes(events: list[Event], words: str) -> None:
    async with serving(max_audio_seconds=2) as server:
        assert words in await error(server, *events)
        assert server.refused == 1
        assert await ask(server, Ping().event()) is not None, "and others are served"


@pytest.mark.parametrize(
    ("without", "event"),
    [("speaks", Synthesize("x").event()), ("understands", Transcript("x").event()), ("hears", AudioStop().event())],
)
async def test_what_is_not_offered_is_not_given(without: str, event: Event) -> None:
    async with serving(offer(**{without: None})) as server:
        assert "here" in await error(server, event)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"[1]\n",
        b'{"type": 7}\n',
        b'{"type": "x", "data": [1]}\n',
        b'{"type": "x", "payload_length": %d}\n' % (MAX_EVENT_BYTES + 1),
        b'{"type": "x", "data_length": 1e9}\n',
        b'{"type": "x", "data_length": 3}\n[7]',
        b"x" * 200_000,
        b"[" * 60_000 + b"\n",
        b"\xff\xfe\n",
    ],
)
async def test_nonsense_on_the_wire_ends_that_connection_only(data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as server, client(server) as bystander:
        assert server.port is not None
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(data)
        async with asyncio.timeout(10):
            told = json.loads(await reader.readline())
        writer.close()
        assert told["type"] == "error"
        await bystander.write_event(Ping("here").event())
        assert await bystander.read_event() is not None
    assert "Traceback" not in caplog.text
    assert "was turned away" in caplog.text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(
        ["describe", "ping", "transcribe", "audio-start", "audio-chunk", "audio-stop", "synthesize", "transcript"]
    ),
    data=st.dictionaries(
        st.sampled_from(["text", "voice", "language", "rate", "width", "channels", "context", "name"]),
        st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=20), st.lists(st.integers(), max_size=2)),
    ),
    payload=st.binary(max_size=64),
)
async def test_no_event_whatever_is_in_it_disturbs_the_server(
    kind: str, data: dict[str, object], payload: bytes
) -> None:
    async with serving() as server:
        async with client(server) as hostile:
            await hostile.write_event(Event(kind, data, payload))
            await hostile.write_event(Event("ping"))
            await hostile.read_event()
        assert await ask(server, Ping().event()) is not None


async def test_more_clients_than_there_may_be_are_turned_away() -> None:
    async with serving(max_connections=2) as server:
        async with client(server) as first, client(server) as second:
            for connected in (first, second):
                await connected.write_event(Ping().event())
                assert await connected.read_event() is not None
            assert "more than 2 connections" in await error(server)
        while server.clients:
            await asyncio.sleep(0.01)
        assert await ask(server, Ping().event()) is not None, "there is place again"


async def test_a_client_that_says_nothing_is_disconnected() -> None:
    async with serving(idle_seconds=1) as server, client(server) as connected:
        assert await connected.read_event() is None
        assert not server.clients


async def test_a_client_that_leaves_in_the_middle_leaves_nothing() -> None:
    gate = asyncio.Event()
    async with serving(offer(understands=(Parrot(gate), MADE))) as server:
        async with client(server) as connected:
            await connected.write_event(Transcript("turn on the lamp").event())
            while not server.clients:
                await asyncio.sleep(0.01)
        gate.set()
        while server.clients:
            await asyncio.sleep(0.01)


async def test_a_recognizer_that_died_is_told_to_who_asked(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(offer(hears=(RecordingEars(died=True), MADE))) as server:
        assert await error(server, *said(np.zeros(16_000))) == "the recognizer died"
    assert "got no answer: the recognizer died" in caplog.text


async def test_the_end_of_the_server_is_the_end_of_its_clients() -> None:
    gate = asyncio.Event()
    async with serving(offer(understands=(Parrot(gate), MADE))) as server, client(server) as connected:
        await connected.write_event(Transcript("x").event())
        while not server.clients:
            await asyncio.sleep(0.01)
        await server.__aexit__()
        assert not server.clients
        assert await connected.read_event() is None


async def test_a_port_that_is_taken_is_told_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as first, serving(port=first.port) as second:
        assert second.port is None
    assert "correct wyoming_server.host and .port" in caplog.text


async def test_beyond_this_machine_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(host="0.0.0.0"):  # nobody is told of the port
        assert "whoever reaches 0.0.0.0" in caplog.text
