"""`rollcall export`: what can be written, and the stream to a file."""
