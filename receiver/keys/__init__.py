"""The vendor's public keys: fetched, stored, refreshed, and used to verify signatures."""
