"""From the queue to the tables: the queue's contract, the actor, the rules and the tables."""
