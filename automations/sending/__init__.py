"""Posts messages to their endpoints, and keeps what became of each try."""
