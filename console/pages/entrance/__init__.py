"""Who gets in: hosts and origins, logins, sessions, roles."""
