"""From the queue to the tables: the queue's interface, the actor, the rules and the tables."""
