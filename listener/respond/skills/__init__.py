"""What we do ourselves, with Home Assistant away."""

from listener.respond.skills.skill import Ask, Said, Skill

__all__ = ["Ask", "Said", "Skill"]
