"""The commands of `rollcall`, one per module."""
