"""From facts to rows: what wins, what counts again, what never goes back. Pure: no clock, no database."""
