"""From the bytes of a body to the facts it states. Pure: no clock, no database, no settings."""
