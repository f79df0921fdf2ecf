"""What people do with endpoints and messages, by commands: add, rotate, remove, try, send again."""
