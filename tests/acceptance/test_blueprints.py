"""Each automation blueprint is imported into a real Home Assistant and run: the event goes in, the action comes out."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from programs import missing, need

from acceptance import sounds
from acceptance.house import BLUEPRINTS, House, open_house
from acceptance.installation import NotInstallableError
from acceptance.socket_client import Event
from listener.publish import payloads
from listener.types import Command, SoundStarted

NAMES = sorted(path.stem for path in BLUEPRINTS.glob("*.yaml"))
KITCHEN_SOUND = "event.kitchen_sound"
OURS = ("automation", "script", "template", "blueprint", "listener", "mqtt")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    need("mosquitto")
    try:
        with open_house(tmp_path_factory.mktemp("house")) as house:
            for name in NAMES:
                house.import_blueprint(name)
            yield house
    except NotInstallableError as error:
        missing(str(error))


def called(event: Event, action: str) -> bool:
    return event.kind == "call_service" and f"{event.data['domain']}.{event.data['service']}" == action


def test_home_assistant_takes_every_blueprint(house: House) -> None:
    with house.home.socket() as socket:
        known = socket.call("blueprint/list", domain="automation")
    ours = {path: entry for path, entry in known.items() if path.startswith("listener/")}
    assert sorted(ours) == [f"listener/{name}.yaml" for name in NAMES]
    assert all("error" not in entry for entry in ours.values()), ours
    assert len(NAMES) == 7


def urgent(house: House, **more: Any) -> Any:
    phones = [house.device(phone.device_name) for phone in house.phones.values()]
    rooms = [KITCHEN_SOUND, "event.living_room_sound"]
    return house.automation("urgent_sound", sounds=rooms, phones=phones, emergency_number="112", **more)


def test_an_alarm_rings_all_phones_until_somebody_knows(house: House) -> None:
    ada, bert = house.phones["Ada"], house.phones["Bert"]
    with urgent(house, remind_seconds=2):
        house.daemon.play("kitchen", sounds.smoke_alarm())
        first = ada.next(lambda note: note["title"] == "Smoke alarm in Kitchen")
        bert.next(lambda note: note["title"] == "Smoke alarm in Kitchen")
        critical = first["data"]
        assert critical["push"]["sound"] == {"name": "default", "critical": 1, "volume": 1.0}
        assert (critical["ttl"], critical["priority"], critical["channel"]) == (0, "high", "alarm_stream")
        known, call = critical["actions"]
        assert call == {"action": "URI", "title": "Call", "uri": "tel:112"}
        ada.next(lambda note: "Nobody has acknowledged it" in note["message"])
        bert.tap(known["action"])
        for phone in (ada, bert):
            cleared = phone.next(lambda note: note["message"] == "clear_notification")
            assert cleared["data"]["tag"] == critical["tag"]
        assert house.mqtt.next("listener/kitchen/snooze").payload == b"smoke_alarm"
        told = len(ada.notified)
        house.daemon.room("kitchen").microphone.wait_until_played()
        house.home.until(lambda: house.home.state("binary_sensor.kitchen_smoke_alarm") == "off", "it is silent")
        assert len(ada.notified) == told


def test_a_test_rings_as_a_test_and_other_sounds_do_not(house: House) -> None:
    ada = house.phones["Ada"]
    told = len(ada.notified)
    with urgent(house, remind_seconds=60):
        house.mqtt.send("listener/kitchen/test", "dog_bark")
        house.mqtt.send("listener/kitchen/test", "glass_break")
        note = ada.next(lambda note: "in Kitchen" in note.get("title", ""), told)
        assert note["title"] == "TEST: Glass break in Kitchen"
        ada.tap(note["data"]["actions"][0]["action"])
        ada.next(lambda note: note["message"] == "clear_notification", told)


def test_who_answers_while_others_are_still_told_is_heard(house: House) -> None:
    ada, bert = house.phones["Ada"], house.phones["Bert"]
    told = len(ada.notified)
    with urgent(house, remind_seconds=60):
        with bert.out_of_reach():
            house.mqtt.send("listener/kitchen/test", "co_alarm")
            note = ada.next(lambda note: note.get("title") == "TEST: CO alarm in Kitchen", told)
            bert.next(lambda other: other.get("title") == note["title"])
            ada.tap(note["data"]["actions"][0]["action"])
        ada.next(lambda note: note["message"] == "clear_notification", told)


def test_a_sound_heard_anew_does_not_ring_twice(house: House) -> None:
    ada = house.phones["Ada"]
    told = len(ada.notified)
    with urgent(house, remind_seconds=60) as automation:
        for room in ("kitchen", "living_room"):
            house.mqtt.send(f"listener/{room}/test", "scream")
            note = ada.next(lambda note: note.get("title", "").startswith("TEST: Scream"), told)
            told = len(ada.notified)
        running = "{{ state_attr('" + automation + "', 'current') }}"
        house.home.until(lambda: house.home.render(running) == "1", "the second run took over from the first")
        ada.tap(note["data"]["actions"][0]["action"])
        house.home.until(lambda: house.home.render(running) == "0", "all runs have ended")


def cry(house: House, on: bool) -> None:
    """Exactly what the daemon publishes; a cry that it would hear by itself needs a model that does not ship."""
    house.mqtt.send("listener/kitchen/sound/baby_cry", payloads.on_off(on), retain=True)


def clock(minutes: int) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%H:%M:%S")


@pytest.mark.parametrize(("quiet", "percent", "rings"), [(False, 60, True), (True, 10, False)], ids=["day", "night"])
def test_a_cry_switches_lights_and_rings_by_day_only(house: House, quiet: bool, percent: int, rings: bool) -> None:
    dark, lit, chime = "light.bed_light", "light.ceiling_lights", "button.push"
    house.home.call("light.turn_off", entity_id=dark)
    house.home.call("light.turn_on", entity_id=lit, brightness=77)
    hours = {"quiet_from": clock(-60), "quiet_until": clock(60 if quiet else -30)}
    ring = [{"action": "button.press", "target": {"entity_id": chime}}]
    look = {"lights": [dark, lit], "linger_seconds": 0}
    sensors = ["binary_sensor.kitchen_baby_cry"]
    with (
        house.automation("baby_or_dog", sounds=sensors, chime=ring, **look, **hours),
        house.home.socket("call_service", "state_changed") as socket,
    ):
        cry(house, True)
        on = socket.until(lambda e: called(e, "light.turn_on"))
        assert on.data["service_data"] == {"entity_id": [dark], "brightness_pct": percent}
        socket.until_state(dark, "on")
        if rings:
            socket.until(lambda e: called(e, "button.press"))
        cry(house, False)
        socket.until_state(dark, "off")
        assert any(called(e, "button.press") for e in socket.events) is rings
    assert house.home.attributes(lit)["brightness"] == 77


def test_a_beep_is_told_to_those_at_home(house: House) -> None:
    ada, bert = house.phones["Ada"], house.phones["Bert"]
    told = len(ada.notified), len(bert.notified)
    bert.move_to("not_home")
    house.home.until_state("person.bert", "not_home")
    people = {"people": ["person.ada", "person.bert"], "rooms": ["notify.living_room_say"]}
    with house.automation("appliance_done", sounds=[KITCHEN_SOUND], message="Laundry!", **people) as automation:
        house.mqtt.send("listener/kitchen/test", "appliance_beep")
        assert ada.next(lambda note: note["message"] == "Laundry!", told[0])["data"]["tag"] == "listener_appliance"
        assert house.mqtt.next("listener/living_room/say").payload == b"Laundry!"
        house.home.until(lambda: house.home.state("sensor.living_room_last_response") == "Laundry!", "it was said")
        heard = house.home.state(KITCHEN_SOUND)
        beep(house)  # the machine beeps again and again
        house.home.until(lambda: house.home.state(KITCHEN_SOUND) != heard, "the second beep came")
        assert house.home.render("{{ state_attr('" + automation + "', 'current') }}") == "1"
    assert len(ada.notified) == told[0] + 1
    assert len(bert.notified) == told[1]
    bert.move_to("home")
    house.home.until_state("person.bert", "home")


def beep(house: House) -> None:
    """The event of an appliance's beep, made by the daemon's own code."""
    facts = {"room": "kitchen", "t": 9.2, "time": datetime.now(UTC).isoformat(), "id": "beep", "group": "beep"}
    event = SoundStarted(**facts, label="appliance_beep", score=0.9, onset=8.0)
    house.mqtt.send("listener/kitchen/sound", payloads.sound(event))


def bark(house: House, episode: str, **more: Any) -> None:
    """The event of a dog, made by the daemon's own code."""
    facts = {"room": "kitchen", "t": 9.2, "time": datetime.now(UTC).isoformat(), "id": episode, "group": episode}
    event = SoundStarted(**facts, label="dog_bark", score=0.9, onset=8.0, **more)
    house.mqtt.send("listener/kitchen/sound", payloads.sound(event))


def test_a_sound_is_asked_about_and_the_answer_teaches_its_room(house: House) -> None:
    ada = house.phones["Ada"]
    told = len(ada.notified)
    phones = [house.device(ada.device_name)]
    with house.automation("was_that_right", sounds=[KITCHEN_SOUND], phones=phones, rest_minutes=0) as automation:
        bark(house, "try", test=True)
        bark(house, "ep-1")
        first = ada.next(lambda note: note.get("title") == "Dog bark in Kitchen", told)
        wrong, was = first["data"]["actions"]
        assert was["behavior"] == "textInput"
        ada.tap(wrong["action"])
        assert house.mqtt.next("listener/kitchen/wrong").payload == b"ep-1"
        ada.next(lambda note: note["message"] == "clear_notification", told)
        bark(house, "ep-2")
        second = ada.next(lambda note: note.get("title") == "Dog bark in Kitchen", told + 2)
        ada.tap(second["data"]["actions"][1]["action"], reply_text=" Garden gate ")
        assert house.mqtt.next("listener/kitchen/was").json == {"episode": "ep-2", "name": "Garden gate"}
        assert house.times_run(automation) == 2
    with house.automation("was_that_right", sounds=[KITCHEN_SOUND], phones=phones) as automation:
        told = len(ada.notified)
        for episode in ("ep-3", "ep-4"):
            bark(house, episode)
            house.home.until(lambda e=episode: house.home.attributes(KITCHEN_SOUND).get("id") == e, "it came")
        ada.next(lambda note: note.get("title") == "Dog bark in Kitchen", told)
        assert house.times_run(automation) == 1, "five minutes of rest"


def events(house: House, label: str) -> list[Any]:
    return [seen for seen in house.mqtt.on("listener/kitchen/sound") if seen.json["event_type"] == label]


def say(house: House, text: str, intent: str, verdict: Any = "accepted", **more: Any) -> None:
    """The event of a spoken command, made by the daemon's own code."""
    time = more.pop("time", datetime.now(UTC))
    facts = {"room": "kitchen", "t": 4.0, "time": time.isoformat(), "id": more.pop("id", text), "slots": {}}
    event = Command(**facts, text=text, intent=intent, verdict=verdict, confidence=0.9)
    house.mqtt.send("listener/kitchen/command", payloads.command(event))


def test_a_command_is_done_and_answered_in_its_room(house: House) -> None:
    house.home.call("light.turn_off", entity_id="light.bed_light")
    with (
        house.automation("spoken_command", commands=["event.kitchen_command"]),
        house.home.socket("call_service", "state_changed") as socket,
    ):
        say(house, "turn off the bed light", "HassTurnOff", verdict="denied")
        say(house, "set a timer for five minutes", "HassStartTimer")
        say(house, "what did you hear", "ListenerWhatHeard")
        say(house, "turn off the bed light", "HassTurnOff", time=datetime.now(UTC) - timedelta(minutes=5), id="late")
        say(house, "turn on the bed light", "HassTurnOn")
        say(house, "turn on the bed light", "HassTurnOn")  # delivered twice
        socket.until_state("light.bed_light", "on")
        answer = house.mqtt.next("listener/kitchen/say").payload.decode()
        assert answer == "Turned on the light"
        house.home.until(lambda: house.home.state("sensor.kitchen_last_response") == answer, "it was said")
        say(house, "turn off the bed light", "HassTurnOff", id="last")
        socket.until_state("light.bed_light", "off")
        asked = [e.data["service_data"] for e in socket.events if called(e, "conversation.process")]
    assert [ask["text"] for ask in asked] == ["turn on the bed light", "turn off the bed light"]
    assert house.mqtt.on("listener/living_room/say")[1:] == []


def test_a_reply_is_spoken_on_a_media_player(house: House) -> None:
    player = "media_player.bedroom"
    inputs = {"replies": ["sensor.kitchen_last_response"], "voice": "tts.test_voice", "players": [player]}
    with house.automation("spoken_reply", **inputs), house.home.socket("call_service") as socket:
        spoken: list[Event] = []
        for _ in range(2):  # the same words twice are two replies
            house.home.call("notify.send_message", entity_id="notify.kitchen_say", message="Dinner is ready.")
            spoken.append(socket.until(lambda e: called(e, "tts.speak") and e not in spoken))
        played = socket.until(lambda e: called(e, "media_player.play_media")).data["service_data"]
        media = socket.call("media_source/resolve_media", media_content_id=played["media_content_id"])
    assert played["entity_id"] == [player]
    assert [e.data["service_data"]["message"] for e in spoken] == ["Dinner is ready."] * 2
    assert house.download(media["url"])[:3] in (b"ID3", b"\xff\xfb\x50", b"RIF"), media


def test_a_sound_in_an_empty_house_is_photographed(house: House) -> None:
    ada = house.phones["Ada"]
    told = len(ada.notified)
    folder = house.media / "listener"
    inputs = {
        "people": ["person.ada", "person.bert"],
        "cameras": ["camera.demo_camera"],
        "phones": [house.device(ada.device_name)],
        "folder": str(folder),
        "media_folder": str(house.media),
    }
    with house.automation("camera_when_away", sounds=[KITCHEN_SOUND], pause_seconds=0, **inputs):
        house.mqtt.send("listener/kitchen/test", "knock")
        house.home.until(lambda: len(events(house, "knock")) == 1, "the knock came")
        leave(house, "not_home")
        house.mqtt.send("listener/kitchen/test", "bang")
        note = ada.next(lambda note: note.get("title") == "TEST: Bang in Kitchen", told)
    picture = house.download(note["data"]["image"])
    assert picture[:3] == b"\xff\xd8\xff"  # a JPEG
    assert [path.read_bytes() for path in folder.iterdir()] == [picture]
    assert len(ada.notified) == told + 1
    leave(house, "home")


def leave(house: House, place: str) -> None:
    for name, phone in house.phones.items():
        phone.move_to(place)
        house.home.until_state(f"person.{name.lower()}", place)


def test_a_broker_that_comes_back_rings_nobody(house: House) -> None:
    ada = house.phones["Ada"]
    house.mqtt.send("listener/kitchen/test", "siren")
    house.home.until(lambda: house.home.attributes(KITCHEN_SOUND).get("event_type") == "siren", "it came")
    told = len(ada.notified)
    phones = [house.device(ada.device_name)]
    with (
        house.automation("urgent_sound", sounds=[KITCHEN_SOUND], phones=phones, labels=["siren"]) as automation,
        house.home.socket("state_changed") as socket,
    ):
        times = house.daemon.log().count("kitchen: listening")
        house.daemon.stop()
        socket.until_state(KITCHEN_SOUND, "unavailable")
        house.daemon.start()
        back = socket.until(is_back)
        assert back.data["new_state"]["attributes"]["event_type"] == "siren"
        house.daemon.wait_for_log("kitchen: listening", times + 1)
        assert len(ada.notified) == told
        house.mqtt.send("listener/kitchen/test", "siren")
        ada.next(lambda note: note.get("title") == "TEST: Siren in Kitchen", told)
        assert house.times_run(automation) == 1
        ada.tap("LISTENER_KNOWN_siren")
        ada.next(lambda note: note["message"] == "clear_notification", told)


def is_back(event: Event) -> bool:
    """The sound's event entity, back from being unavailable."""
    if event.kind != "state_changed" or event.data["entity_id"] != KITCHEN_SOUND:
        return False
    return event.data["old_state"]["state"] == "unavailable" and event.data["new_state"]["state"] != "unavailable"


def test_nothing_is_wrong_in_the_log(house: House) -> None:
    """Last in this file: what all of the above left behind."""
    complaints = [line for line in house.home.complaints() if any(f"components.{name}" in line for name in OURS)]
    assert complaints == []


def test_the_readme_of_the_blueprints_names_all_of_them() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs/home-assistant.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"{name}.yaml" not in text] == []
