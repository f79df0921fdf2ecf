"""The errors of outgoing webhooks.

Each derives from the one below. Others that leave a function are psycopg's own, as its docstring says.
"""


class AutomationsError(Exception):
    """Something did not go as it should; the message says what, with which thing, and what to do now."""
