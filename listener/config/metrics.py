"""`metrics`: figures for Prometheus."""

from pydantic import Field

from listener.config.sections import Section


class MetricsConfig(Section):
    host: str = Field(
        "127.0.0.1", min_length=1, max_length=255, description="Whoever reaches it learns what is heard in the house."
    )
    port: int = Field(9_464, ge=1, le=65_535, description="Of http://HOST:PORT/metrics.")
