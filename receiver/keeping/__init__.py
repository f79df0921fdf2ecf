"""Makes a delivery durable before it is answered."""
