"""Synthesis of speech, in a process of its own. Its engines are copyleft and loaded there only, when configured."""
