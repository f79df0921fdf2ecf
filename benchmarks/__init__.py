"""How fast Rollcall is and what it costs, measured against bounds that are measured in the same run."""
