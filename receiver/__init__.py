"""The webhook endpoint: verifies a delivery, makes it durable and answers it."""
