"""The SQL that settles deliveries into the ledger and the tables: one statement per table and batch."""
