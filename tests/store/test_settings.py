import json
import os
import stat
import threading
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from listener.store import settings as store_settings
from listener.store.settings import SettingsStore, state_folder
from listener.types import RoomSettings

DEFAULT = RoomSettings(muted=False, strictness="balanced", threshold=0.5)
CHANGED = RoomSettings(muted=True, strictness="paranoid", threshold=0.25)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "settings.json"


def write(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_settings_survive_a_restart(path: Path) -> None:
    store = SettingsStore(path)
    assert store.get("kitchen", DEFAULT) == DEFAULT
    store.put("kitchen", CHANGED)
    assert store.get("kitchen", DEFAULT) == CHANGED
    assert store.save()

    again = SettingsStore(path)
    assert again.get("kitchen", DEFAULT) == CHANGED
    assert again.get("attic", DEFAULT) == DEFAULT


def test_every_setting_is_kept() -> None:
    assert set(store_settings._VALID) == {field.name for field in fields(RoomSettings)}


def test_the_file_is_private_and_nothing_else_is_left(path: Path) -> None:
    store = SettingsStore(path)
    for _ in range(3):
        store.put("kitchen", CHANGED)
        assert store.save()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["settings.json"]


def test_rooms_that_the_configuration_does_not_name_are_kept(path: Path) -> None:
    store = SettingsStore(path)
    store.put("summer_house", CHANGED)
    store.save()
    later = SettingsStore(path)
    later.put("kitchen", CHANGED)
    later.save()
    assert SettingsStore(path).get("summer_house", DEFAULT) == CHANGED


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b'{"version": 1}',
        b'{"version": 1, "rooms": []}',
        b"[" * 100_000,
        b'{"version": 1, "rooms": {}}' + b" " * store_settings.MAX_BYTES,
    ],
    ids=["empty", "cut", "null", "list", "not-utf8", "no-rooms", "rooms-list", "deep", "huge"],
)
def test_a_broken_file_is_set_aside(path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    write(path, content)
    store = SettingsStore(path)
    assert store.get("kitchen", DEFAULT) == DEFAULT
    (aside,) = path.parent.iterdir()
    assert aside.name.startswith("settings.json.broken-")
    assert aside.read_bytes() == content
    assert str(path) in caplog.text
    assert aside.name in caplog.text

    store.put("kitchen", CHANGED)
    assert store.save()
    assert SettingsStore(path).get("kitchen", DEFAULT) == CHANGED
    assert aside.read_bytes() == content


def test_a_pipe_in_its_place_does_not_hang_the_start(path: Path) -> None:
    path.parent.mkdir()
    os.mkfifo(path)
    store = SettingsStore(path)
    store.put("kitchen", CHANGED)
    assert store.save()


def test_a_folder_in_its_place_is_set_aside(path: Path) -> None:
    path.mkdir(parents=True)
    store = SettingsStore(path)
    store.put("kitchen", CHANGED)
    assert store.save()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("muted", "yes"),
        ("muted", 1),
        ("strictness", "very"),
        ("strictness", ["strict"]),
        ("mode", "butler"),
        ("mode", None),
        ("threshold", 1.01),
        ("threshold", -0.01),
        ("threshold", True),
        ("threshold", float("nan")),
        ("threshold", "0.5"),
        ("volume", 11),
    ],
)
def test_an_impossible_value_is_named_and_the_others_hold(
    path: Path, key: str, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    kept = {"muted": True, "strictness": "paranoid", "threshold": 0.25, key: value}
    write(path, json.dumps({"version": 1, "rooms": {"kitchen": kept, "attic": 5}}))
    got = SettingsStore(path).get("kitchen", DEFAULT)
    for name in ("muted", "strictness", "threshold"):
        assert getattr(got, name) == getattr(DEFAULT if name == key else CHANGED, name)
    assert f"'kitchen': {key}" in caplog.text
    assert "'attic'" in caplog.text


def test_a_disk_that_takes_nothing_is_told_once_and_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    obstacle = tmp_path / "state"
    obstacle.write_text("a file where the folder should be")
    store = SettingsStore(obstacle / "settings.json")
    caplog.clear()
    for _ in range(3):
        store.put("kitchen", CHANGED)
        assert not store.save()
    assert store.get("kitchen", DEFAULT) == CHANGED
    assert store.warning is not None
    assert str(obstacle) in store.warning
    assert len(caplog.records) == 1

    obstacle.unlink()
    assert store.save()
    assert store.warning is None
    assert "saved again" in caplog.text


@pytest.fixture
def full_disk() -> Iterator[Path]:
    """A real file system without a free byte. /dev/full is no folder, so root mounts a small one."""
    import shutil
    import subprocess
    import tempfile

    folder = Path(tempfile.mkdtemp())
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        shutil.rmtree(folder)
        pytest.skip("only root can mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


def test_a_full_disk_keeps_the_old_file_whole(full_disk: Path) -> None:
    path = full_disk / "settings.json"
    store = SettingsStore(path)
    store.put("kitchen", CHANGED)
    assert store.save()
    before = path.read_bytes()
    with pytest.raises(OSError, match="No space"):
        (full_disk / "filler").write_bytes(bytes(1_000_000))

    store.put("attic", CHANGED)
    assert not store.save()
    assert path.read_bytes() == before
    assert sorted(file.name for file in full_disk.iterdir()) == ["filler", "settings.json"]
    assert store.get("attic", DEFAULT) == CHANGED
    (full_disk / "filler").unlink()
    assert store.save()
    assert SettingsStore(path).get("attic", DEFAULT) == CHANGED


def test_threads_that_save_at_once_leave_a_whole_file(path: Path) -> None:
    store = SettingsStore(path)
    rooms = [f"room_{n}" for n in range(20)]

    def change(room: str) -> None:
        store.put(room, CHANGED)
        store.save()

    threads = [threading.Thread(target=change, args=(room,)) for room in rooms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again = SettingsStore(path)
    assert all(again.get(room, DEFAULT) == CHANGED for room in rooms)


def test_the_state_folder() -> None:
    assert state_folder({"STATE_DIRECTORY": "/var/lib/listener:/var/lib/other", "LISTENER_STATE": "/x"}) == Path(
        "/var/lib/listener"
    )
    assert state_folder({"LISTENER_STATE": "/x/y"}) == Path("/x/y")
    assert state_folder({}).name == "listener"
