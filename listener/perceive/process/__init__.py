"""Perception in processes of its own, for more rooms than one interpreter can hear."""
