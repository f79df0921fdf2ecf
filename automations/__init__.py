"""Tells other systems what happened and what it came to: outgoing webhooks."""
