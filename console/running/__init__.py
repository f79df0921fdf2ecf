"""`rollcall run`: child processes in the foreground."""
