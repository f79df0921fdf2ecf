"""The vendor's public keys: fetched, kept, watched, and asked who made a signature."""
