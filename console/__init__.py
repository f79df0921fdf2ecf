"""People look in here: the `rollcall` command."""
