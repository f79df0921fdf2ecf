"""A worker process: takes messages from the queue and settles them."""
