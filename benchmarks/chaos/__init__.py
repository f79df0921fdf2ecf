"""Chaos: Rollcall as real processes under load, killed, frozen and cut off; then counted whether anything is lost."""
