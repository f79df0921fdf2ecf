"""Made-up sessions, signed with the development key."""
