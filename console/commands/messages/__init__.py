"""`rollcall messages`: what other systems are told."""
