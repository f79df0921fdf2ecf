"""The SQL of what is due by the clock: what may go."""
