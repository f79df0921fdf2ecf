"""`rollcall console`: what the web console needs. Each command in a separate file."""
