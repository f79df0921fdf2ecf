"""The commands of `rollcall`, one a module."""
