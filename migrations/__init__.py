"""The schema: what brings a database to what this version expects."""
