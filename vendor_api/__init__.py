"""The vendor's REST API: asks it for what happened, and manages the registrations of webhooks."""
