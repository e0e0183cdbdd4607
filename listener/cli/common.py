"""What several commands share: finding and reading the configuration."""

import argparse
import os
from pathlib import Path

from platformdirs import site_config_path, user_config_path

from listener.config import Config, load
from listener.errors import ConfigError

CONFIG_NAME = "config.yaml"
PCM_FORMATS = ("s16le", "s24le", "s32le", "f32le", "u8")


def add_config_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-c",
        "--config",
        type=Path,
        metavar="FILE",
        help="configuration (otherwise: $LISTENER_CONFIG, ~/.config/listener/config.yaml, /etc/listener/config.yaml)",
    )


def add_pcm_options(parser: argparse.ArgumentParser) -> None:
    """How to read raw PCM on stdin, which has no header to say it."""
    pipe = parser.add_argument_group("raw PCM on stdin")
    pipe.add_argument("--rate", type=int, default=16_000, metavar="HZ")
    pipe.add_argument("--channels", type=int, default=1, metavar="N")
    pipe.add_argument("--format", choices=PCM_FORMATS, default="s16le")


def config_places() -> list[Path]:
    """Where the configuration is looked for when no -c is given, in order."""
    places = [user_config_path("listener") / CONFIG_NAME, Path("/etc/listener") / CONFIG_NAME]
    places.append(site_config_path("listener") / CONFIG_NAME)
    if named := os.environ.get("LISTENER_CONFIG"):
        places.insert(0, Path(named))
    return list(dict.fromkeys(places))


def config_path(given: Path | None) -> Path:
    """The configuration file to use. Raises ConfigError that lists the places when there is none."""
    if given is not None:
        return given
    places = config_places()
    for place in places:
        if place.is_file():
            return place
    looked = ", ".join(map(str, places))
    raise ConfigError(
        f"no configuration found ({looked}); write one of them: `listener config example` prints every key; "
        "or give -c FILE"
    )


def load_config(given: Path | None) -> Config:
    return load(config_path(given))
