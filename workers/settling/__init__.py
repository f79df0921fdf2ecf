"""From facts to tables: one transaction that settles a group of deliveries."""
