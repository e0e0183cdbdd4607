"""Sinks of events and reports: MQTT with Home Assistant discovery, JSON lines, and a broker of our own."""
