"""Devices by name and stable id, on a made-up machine with two microphones of one make."""

from pathlib import Path

import pytest

from listener.errors import DeviceNotFoundError, SourceError
from listener.portaudio import naming
from listener.portaudio.naming import Card, Device, find, read_cards, short_name, stable_ids

CARDS = """\
 0 [PCH            ]: HDA-Intel - HDA Intel PCH
                      HDA Intel PCH at 0xdf240000 irq 133
 1 [Device         ]: USB-Audio - USB PnP Sound Device
                      C-Media USB PnP Sound Device at usb-0000:00:14.0-1, full speed
 3 [Device_1       ]: USB-Audio - USB PnP Sound Device
                      C-Media USB PnP Sound Device at usb-0000:00:14.0-2, full speed
 4 [ArrayUAC10     ]: USB-Audio - ReSpeaker 4 Mic Array (UAC1.0)
                      SEEED ReSpeaker 4 Mic Array (UAC1.0) at usb-0000:00:14.0-3, full speed
"""
LINKS = {
    "by-id/usb-C-Media_USB_PnP_Sound_Device-00": 3,
    "by-id/usb-SEEED_ReSpeaker_4_Mic_Array-00": 4,
    "by-path/pci-0000:00:14.0-usb-0:1:1.0": 1,
    "by-path/pci-0000:00:14.0-usb-0:2:1.0": 3,
    "by-path/pci-0000:00:14.0-usb-0:3:1.0": 4,
}
NAMES = [
    "HDA Intel PCH: ALC256 Analog (hw:0,0)",
    "HDA Intel PCH: ALC256 Alt Analog (hw:0,2)",
    "USB PnP Sound Device: Audio (hw:1,0)",
    "USB PnP Sound Device: Audio (hw:3,0)",
    "ReSpeaker 4 Mic Array (UAC1.0): USB Audio (hw:4,0)",
    "pulse",
    "default",
]


@pytest.fixture
def cards(tmp_path: Path) -> tuple[Card, ...]:
    (tmp_path / "proc/asound").mkdir(parents=True)
    (tmp_path / "proc/asound/cards").write_text(CARDS)
    for link, card in LINKS.items():
        path = tmp_path / "dev/snd" / link
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(f"../controlC{card}")
    return read_cards(tmp_path)


def devices(cards: tuple[Card, ...], names: list[str] | None = None) -> list[Device]:
    return [
        Device(i, name, stable_ids(name, cards), 1, 48_000, "ALSA", name == "default")
        for i, name in enumerate(NAMES if names is None else names)
    ]


def test_a_machine_without_alsa_has_no_cards(tmp_path: Path) -> None:
    assert read_cards(tmp_path) == ()


def test_the_best_id_tells_even_two_of_a_kind_apart(cards: tuple[Card, ...]) -> None:
    ids = [device.ids[0] for device in devices(cards)]
    assert ids == [
        "PCH",
        "PCH,2",
        "pci-0000:00:14.0-usb-0:1:1.0",
        "pci-0000:00:14.0-usb-0:2:1.0",
        "usb-SEEED_ReSpeaker_4_Mic_Array-00",
        "pulse",
        "default",
    ]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ("ReSpeaker", 4),
        ("respeaker 4 mic", 4),
        ("usb-SEEED_ReSpeaker_4_Mic_Array-00", 4),
        ("pci-0000:00:14.0-usb-0:3:1.0", 4),
        ("ArrayUAC10", 4),
        ("ReSpeaker 4 Mic Array (UAC1.0): USB Audio (hw:7,0)", 4),  # pasted from elsewhere: its number is not believed
        ("pci-0000:00:14.0-usb-0:1:1.0", 2),
        ("usb-C-Media_USB_PnP_Sound_Device-00", 3),
        ("Alt Analog", 1),
        ("pch,2", 1),
        ("PULSE", 5),
        (None, 6),
    ],
)
def test_a_device_is_found(cards: tuple[Card, ...], wanted: str | None, index: int) -> None:
    assert find(wanted, devices(cards), cards).index == index


def test_an_exact_name_wins_over_a_part(cards: tuple[Card, ...]) -> None:
    assert find("mic", devices((), ["mic array", "mic"]), ()).index == 1


def test_several_matches_are_listed_with_their_ids(cards: tuple[Card, ...]) -> None:
    with pytest.raises(SourceError, match="2 devices are called 'usb pnp'") as caught:
        find("usb pnp", devices(cards), cards)
    assert "(id pci-0000:00:14.0-usb-0:1:1.0)" in str(caught.value)
    assert not isinstance(caught.value, DeviceNotFoundError)


def test_none_is_told_with_the_nearest_first(cards: tuple[Card, ...]) -> None:
    with pytest.raises(DeviceNotFoundError) as caught:
        find("ReSpaeker 4 Mic Array", devices(cards), cards)
    listed = str(caught.value).partition("there are: ")[2]
    assert listed.startswith("'ReSpeaker 4 Mic Array (UAC1.0): USB Audio' (id usb-SEEED")
    assert "'pulse'" in listed
    assert "hw:" not in listed


def test_a_card_that_is_taken_is_told_from_one_that_is_missing(cards: tuple[Card, ...]) -> None:
    free = devices(cards, ["pulse"])
    with pytest.raises(DeviceNotFoundError, match=r"is there \(card 4\), but cannot be opened .* another program"):
        find("ReSpeaker", free, cards)


def test_long_lists_are_cut() -> None:
    many = devices((), [f"line {i}" for i in range(100)])
    with pytest.raises(DeviceNotFoundError, match=f"and {100 - naming.MAX_LISTED} more$"):
        find("kitchen", many, ())


def test_without_any_device_it_says_so() -> None:
    with pytest.raises(DeviceNotFoundError, match="no microphone exists at all"):
        find(None, [], ())
    with pytest.raises(DeviceNotFoundError, match="and none exists at all"):
        find("kitchen", [], ())


def test_without_a_default_it_lists_what_there_is() -> None:
    with pytest.raises(DeviceNotFoundError, match="no default loudspeaker; name one of: 'pulse'"):
        find(None, devices((), ["pulse"]), (), what="loudspeaker")


def test_a_name_keeps_what_is_no_number() -> None:
    assert short_name("Mic (hw:1,0)") == "Mic"
    assert short_name("(hw:1,0)") == "(hw:1,0)"
    assert short_name("Mic (UAC1.0)") == "Mic (UAC1.0)"
