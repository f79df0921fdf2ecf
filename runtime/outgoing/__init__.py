"""Outgoing HTTP: which proxy to use and which certificate authorities to trust."""
