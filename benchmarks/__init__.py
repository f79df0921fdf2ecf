"""Rollcall's speed and cost, compared with bounds measured in the same run."""
