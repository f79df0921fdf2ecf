"""The schema: brings a database to the state that this version expects."""
