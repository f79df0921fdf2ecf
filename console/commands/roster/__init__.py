"""`rollcall roster`: who is expected."""
