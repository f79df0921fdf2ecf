"""Rosters: lists of who is expected, as people keep them."""
