"""`rollcall endpoints`: where messages are sent to."""
