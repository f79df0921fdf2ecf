"""A receiver of messages, for trying them out."""
