"""Machines come in here: a delivery is verified, made durable and answered."""
