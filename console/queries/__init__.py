"""The read side: queries for the commands."""
