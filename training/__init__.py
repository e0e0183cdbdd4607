"""How our own tagger was trained. Not part of the wheel; torch is needed here and nowhere else in sounds."""
