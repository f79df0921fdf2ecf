"""Writes down what people do: before it is done, so that nothing is done without."""

from typing import LiteralString

from console.pages.entrance.visitor import Visitor
from runtime.session import Session

_ADD: LiteralString = """
    INSERT INTO rollcall.audit (who, act, subject, touched, address) VALUES (%s, %s, %s, %s, %s)"""


def note(connection: Session, visitor: Visitor, act: str, subject: str, touched: int | None = None) -> None:
    """Write down what somebody does.

    Args:
        connection: to the database.
        visitor: who does it.
        act: what they do.
        subject: what they do it to: no person's name or id.
        touched: how many deliveries or messages are touched.
    """
    connection.execute(_ADD, [visitor.user, act, subject, touched, visitor.address])
