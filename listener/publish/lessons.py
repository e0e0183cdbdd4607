"""What Home Assistant has of a room for teaching it sounds and telling it what was wrong. Pure.

An MQTT `text` without a state topic keeps what was typed (home-assistant.io/integrations/text.mqtt): "That was" is one.
"""

from typing import Any, Final

from listener.publish.topics import Topics

Component = dict[str, Any]

LONGEST_NAME: Final = 40
"""Characters of a taught sound's name: as many as a configured label may have."""

STATES: Final = ("idle", "be_quiet", "listening", "accepted", "refused")
"""Of a lesson, as `listener/R/learning` tells them."""

CONFIG: Final = {"entity_category": "config"}
DIAGNOSTIC: Final = {"entity_category": "diagnostic"}


def cells(topics: Topics, slug: str) -> dict[str, Component]:
    """The components of one room, by key; without what every component has."""

    def counted(leaf: str, name: str, icon: str) -> Component:
        topic = topics.room(slug, leaf)
        shown = {"state_topic": topic, "value_template": "{{ value_json.count }}", "json_attributes_topic": topic}
        return {"p": "sensor", "name": name, "icon": icon, **shown, **DIAGNOSTIC}

    def button(leaf: str, name: str, icon: str, payload: str = "PRESS") -> Component:
        press = {"command_topic": topics.room(slug, leaf), "payload_press": payload}
        return {"p": "button", "name": name, "icon": icon, **press}

    def name_of(name: str, icon: str, **where: str) -> Component:
        return {"p": "text", "name": name, "icon": icon, "min": 0, "max": LONGEST_NAME, **where}

    learning = topics.room(slug, "learning")
    progress = {"state_topic": learning, "value_template": "{{ value_json.text }}", "json_attributes_topic": learning}
    typed = {"state_topic": topics.room(slug, "learn_name"), "command_topic": topics.set(slug, "learn_name")}
    return {
        "learn_name": {**name_of("Sound to learn", "mdi:tag-text", **typed), **CONFIG},
        "learn": {**button("learn", "Learn the next sound", "mdi:school"), **CONFIG},
        "learn_cancel": {**button("learn", "Stop learning", "mdi:school-outline", "CANCEL"), **CONFIG},
        "learning": {"p": "sensor", "name": "Learning", "icon": "mdi:school", **progress},
        "taught": counted("taught", "Taught sounds", "mdi:ear-hearing"),
        "wrong": button("wrong", "That was wrong", "mdi:thumb-down"),
        "was": name_of("That was", "mdi:comment-edit", command_topic=topics.room(slug, "was")),
        "corrections": counted("corrections", "Corrections", "mdi:comment-check"),
    }
