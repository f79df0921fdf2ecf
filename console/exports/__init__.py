"""`rollcall export`: its contents, formats, and the stream to a file."""
