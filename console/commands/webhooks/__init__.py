"""`rollcall webhooks`: which URLs the vendor sends its webhooks to."""
