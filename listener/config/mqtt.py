"""`mqtt`: the broker, and how to reach it."""

from typing import Literal, Self

from pydantic import Field, model_validator

from listener.config.paths import UserPath
from listener.config.sections import Section, TopicName


class TlsConfig(Section):
    ca_file: UserPath | None = Field(None, description="Certificates that we trust. Left out: the system's.")
    cert_file: UserPath | None = Field(None, description="Our client certificate (PEM).")
    key_file: UserPath | None = Field(None, description="The client certificate's key (PEM).")

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together; give both or neither")
        return self


class MqttConfig(Section):
    broker: Literal["external", "embedded"] = Field(
        "external", description="`embedded` starts a broker inside the daemon, on `host` and `port`."
    )
    host: str = Field("127.0.0.1", min_length=1, description="The broker's name or address.")
    port: int = Field(0, ge=0, le=65_535, description="0: 1883, or 8883 with `tls`.")
    protocol: Literal["3.1.1", "5"] = Field("3.1.1", description="MQTT version.")
    client_id: str = Field("listener", min_length=1, max_length=64, description="Unique at the broker.")
    username: str | None = Field(None, min_length=1, description="Or the environment: LISTENER_MQTT_USERNAME.")
    password_file: UserPath | None = Field(
        None, description="File whose first line is the password. Or the environment: LISTENER_MQTT_PASSWORD."
    )
    tls: TlsConfig | None = Field(None, description="`tls: {}` switches TLS on with the system's certificates.")
    keepalive_seconds: int = Field(30, ge=5, le=3_600)
    base_topic: TopicName = Field("listener", description="First part of every topic of ours.")
    discovery: bool = Field(True, description="Announce devices and entities to Home Assistant.")
    discovery_prefix: TopicName = Field("homeassistant", description="As set in Home Assistant.")

    transcripts: bool = Field(False, description="Publish what people say, word for word, on ROOM/transcript.")

    @model_validator(mode="after")
    def _embedded_is_plain(self) -> Self:
        if self.broker == "embedded" and self.tls is not None:
            raise ValueError("the embedded broker speaks no TLS; use an external broker, or leave `tls` out")
        if self.broker == "embedded" and self.protocol != "3.1.1":
            raise ValueError("the embedded broker speaks MQTT 3.1.1 only; leave `protocol` out, or use an external one")
        return self

    @property
    def effective_port(self) -> int:
        return self.port or (1883 if self.tls is None else 8883)
