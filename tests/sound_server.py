"""A real sound server with devices that can be plugged in and out, seen by PortAudio through ALSA."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from programs import need

START_SECONDS = 10.0


class SoundServer:
    """PulseAudio in a private folder. `environment` makes ALSA, and so PortAudio, see its `NAME_mic` devices."""

    def __init__(self, folder: Path, microphones: tuple[str, ...], loudspeakers: tuple[str, ...] = ()) -> None:
        self._folder = folder
        self._socket = folder / "socket"
        self._modules: dict[str, list[str]] = {}
        self._readers: dict[str, subprocess.Popen[bytes]] = {}
        self._process: subprocess.Popen[bytes] | None = None
        # PortAudio aborts where ALSA has devices, but none called `default`.
        heard = {"!default": microphones[0]} if microphones else {"!default": loudspeakers[0]}
        pcms = heard | {f"{name}_mic": name for name in microphones}
        (folder / "asoundrc").write_text(
            "\n".join(
                (
                    *(self._pcm(pcm, sink, ".monitor" if microphones else "") for pcm, sink in pcms.items()),
                    *(self._pcm(f"{name}_speaker", name, "") for name in loudspeakers),
                )
            )
        )
        self.environment = {
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_RUNTIME_PATH": str(folder / "run"),
            "PULSE_SERVER": f"unix:{self._socket}",
            "ALSA_CONFIG_PATH": str(folder / "asoundrc"),
        }

    def _pcm(self, pcm: str, sink: str, side: str) -> str:
        server = f'server "unix:{self._socket}" device "{sink}{side}"'
        return f'pcm.{pcm} {{ type pulse {server} hint {{ show on description "{sink}" }} }}'

    @contextmanager
    def running(self) -> Iterator[None]:
        listen = f"module-native-protocol-unix auth-anonymous=1 socket={self._socket}"
        command = ["pulseaudio", "--daemonize=no", "--exit-idle-time=-1", "-n", "-L", listen]
        with (self._folder / "log").open("wb") as log:
            process = subprocess.Popen(command, env=os.environ | self.environment, stdout=log, stderr=log)
        self._process = process
        try:
            deadline = time.monotonic() + START_SECONDS
            while not self._socket.exists():
                log_text = (self._folder / "log").read_text(errors="replace")
                assert process.poll() is None, f"pulseaudio does not start: {log_text}"
                assert time.monotonic() < deadline, f"pulseaudio is not ready: {log_text}"
                time.sleep(0.02)
            yield
        finally:
            for reader in self._readers.values():
                self._stop(reader)
            self._stop(process)

    def plug_in(self, name: str, frequency_hz: int) -> None:
        """A microphone that hears a sine."""
        self._modules[name] = [
            self._pactl("load-module", "module-null-sink", f"sink_name={name}", "rate=48000"),
            self._pactl("load-module", "module-sine", f"sink={name}", f"frequency={frequency_hz}"),
        ]

        # A null sink nobody is impatient with delivers every 2 s only.
        impatient = ["parec", f"--device={name}.monitor", "--latency-msec=20"]
        environment = os.environ | self.environment
        self._readers[name] = subprocess.Popen(impatient, env=environment, stdout=subprocess.DEVNULL)

    def plug_in_loudspeaker(self, name: str) -> None:
        self._modules[name] = [self._pactl("load-module", "module-null-sink", f"sink_name={name}", "rate=48000")]

    @contextmanager
    def recording(self, name: str) -> Iterator[Path]:
        """What that loudspeaker plays, as it comes: int16 mono at 48 kHz in a file."""
        path = self._folder / f"{name}.pcm"
        words = ("--format=s16le", "--rate=48000", "--channels=1", "--latency-msec=20", "--raw")
        with path.open("wb") as out:
            command = ["parec", f"--device={name}.monitor", *words]
            process = subprocess.Popen(command, env=os.environ | self.environment, stdout=out)
            try:
                deadline = time.monotonic() + START_SECONDS
                while path.stat().st_size == 0:  # a null sink plays silence to whoever listens
                    assert time.monotonic() < deadline, "parec hears nothing"
                    time.sleep(0.02)
                yield path
            finally:
                self._stop(process)

    def kill(self) -> None:
        """As a server that crashes."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(5)

    def unplug(self, name: str) -> None:
        if name in self._readers:
            self._stop(self._readers.pop(name))
        self._pactl("unload-module", self._modules.pop(name)[0])  # takes the sine with it

    @staticmethod
    def _stop(process: "subprocess.Popen[bytes]") -> None:
        process.terminate()
        try:
            process.wait(timeout=5)
        finally:
            process.kill()

    def _pactl(self, *arguments: str) -> str:
        done = subprocess.run(
            ["pactl", *arguments],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,  # asserted below, with the words
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@contextmanager
def sound_server(*microphones: str, loudspeakers: tuple[str, ...] = ()) -> Iterator[SoundServer]:
    """A running server without any device yet; those that a test will plug in are named here."""
    need("pulseaudio", "pactl", "parec")
    folder = Path(tempfile.mkdtemp(prefix="sound"))  # short: the path of a socket has 107 characters at most
    try:
        server = SoundServer(folder, microphones, loudspeakers)
        with server.running():
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)
