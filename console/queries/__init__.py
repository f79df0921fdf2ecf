"""The one read side: what commands and pages ask the tables."""
