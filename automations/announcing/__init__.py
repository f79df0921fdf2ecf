"""From marks to messages: what changed is compared with what was told, and the difference becomes messages."""
