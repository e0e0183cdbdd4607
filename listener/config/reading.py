"""From a file to a `Config`: one line for each thing that is wrong."""

import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from listener.config.files import read
from listener.config.root import Config
from listener.config.unknown_keys import Schema
from listener.config.wording import kind_of, what, where
from listener.errors import ConfigError

MAX_WORDS = 400
"""Characters of one error's description."""


class _Loader(yaml.SafeLoader):
    """YAML whose only booleans are true and false, as in YAML 1.2: `on` and `off` are names of thresholds here. A key
    that stands twice is refused, as YAML 1.2 has it (3.2.1.3): the first would be forgotten without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name in lines and name != "<<":
                problem = f"`{name[:60]}` stands here a second time, after line {lines[name]}; put the two together"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            if name:
                lines[name] = key.start_mark.line + 1
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_TRUE_FALSE = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _TRUE_FALSE, [*"tTfF"])


def _line(error: Any, schema: Schema) -> str:
    """One validation error as `where: what`."""
    place, said = where(error), what(error, schema)
    said = said if len(said) <= MAX_WORDS else f"{said[: MAX_WORDS - 1]}…"  # it may repeat a value
    return f"{place}: {said}" if place else said


def parse(data: Any, name: str = "configuration") -> Config:
    """Validate parsed YAML. Raises ConfigError with one line for each error, each naming `name` and the key."""
    if data is None:
        raise ConfigError(f"{name}: is empty; begin with config.example.yaml (`listener config example`)")
    if not isinstance(data, dict):
        raise ConfigError(f"{name}: must be a mapping with the key `rooms`, not {kind_of(data)}")
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        schema = Config.model_json_schema()
        lines = [f"{name}: {_line(e, schema)}" for e in error.errors(include_url=False)]
        raise ConfigError("\n".join(dict.fromkeys(lines))) from None


def load(path: Path) -> Config:
    """Read the configuration file, or pipe. Raises ConfigError: unreadable, too large, no YAML, or not valid."""
    try:
        text = read(path).decode("utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; give the right path with -c") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 (it is a SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" line {mark.line + 1}, column {mark.column + 1}:" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be parsed"
        raise ConfigError(f"{path}:{place} no valid YAML: {problem}") from None
    except (RecursionError, ValueError) as error:
        raise ConfigError(f"{path}: no valid YAML: {type(error).__name__}: {error}") from None
    return parse(data, str(path))
