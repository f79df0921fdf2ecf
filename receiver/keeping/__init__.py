"""What makes a delivery durable before it is answered."""
