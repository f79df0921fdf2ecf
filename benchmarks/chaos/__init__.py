"""Chaos: kills, freezes and disconnects real Rollcall processes under load, then counts what was lost."""
