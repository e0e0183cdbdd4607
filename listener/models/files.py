"""Where the model files lie, and whether each is the one that was asked for."""

import os
from collections.abc import Mapping
from pathlib import Path

import platformdirs
import pooch

from listener.errors import ModelError
from listener.models.catalog import ModelFile, by_name

SERVICE_STATE = Path("/var/lib/listener")
"""What StateDirectory=listener makes for the systemd service."""


def models_folder(environ: Mapping[str, str] | None = None, service_state: Path = SERVICE_STATE) -> Path:
    """The folder in which the files lie flat; it need not exist.

    LISTENER_MODELS wins. Then `models` in the service's state folder: for the service itself (systemd sets
    STATE_DIRECTORY) and for root on a machine where the service is installed, so that `sudo listener models pull`
    puts the file where the service looks. For everyone else: the XDG data folder.
    """
    environ = os.environ if environ is None else environ
    if chosen := environ.get("LISTENER_MODELS"):
        return Path(chosen).expanduser()
    if state := environ.get("STATE_DIRECTORY"):
        return Path(state.split(":")[0]) / "models"
    if os.geteuid() == 0 and service_state.is_dir():
        return service_state / "models"
    return platformdirs.user_data_path("listener") / "models"


def check(path: Path, model: ModelFile) -> None:
    """Raise ModelError unless the file is the pinned one; the message says what to do."""
    try:
        size_bytes = path.stat().st_size if path.is_file() else None
        found = pooch.file_hash(str(path)) if size_bytes is not None else ""
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}; check its owner and mode") from None
    if size_bytes is None:
        raise ModelError(f"{path}: no such file; run `listener models pull {model.name}`")
    if found != model.sha256:
        raise ModelError(
            f"{path}: is not {model.name}: SHA-256 {found} ({size_bytes:,} bytes), expected {model.sha256} "
            f"({model.size_bytes:,} bytes); run `listener models pull {model.name}` for the right file"
        )


def find(name: str, configured_path: Path | None = None) -> Path | None:
    """The checked file of a model: the configured one, else the one in the models folder, else None.

    Raises ModelError when the file that was found is not the pinned one, or the configured one is not there.
    """
    model = by_name(name)
    path = configured_path if configured_path is not None else models_folder() / model.file_name
    if configured_path is None and not os.path.lexists(path):
        return None
    check(path, model)
    return path
