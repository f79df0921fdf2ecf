"""Redeliver: send messages again, one or what a filter of `/automations` shows."""

from http import HTTPStatus

from automations.managing.redelivery import redeliver as send_again
from console.pages.acts.act import Prepared, described
from console.pages.asking import Asking
from console.pages.refusals import PageError
from console.pages.views.automations import FILTERS, chosen_of
from console.queries.redelivery import to_send_again
from runtime.session import Session
from workers.rules.messages import DeliveryStatus


def redeliver(asking: Asking) -> Prepared:
    """Return what would be sent again.

    Raises:
        PageError: nothing is chosen, or what is on its way already.
    """
    message = asking.text("message")
    chosen = chosen_of(asking)
    fields = {name: asking.text(name) or "" for name in ("message", *FILTERS)}
    if chosen.status is DeliveryStatus.PENDING or not any(fields.values()):
        raise PageError(HTTPStatus.CONFLICT, "Choose messages with the filters first; what is pending is on its way.")
    found = to_send_again(asking.tables, chosen, message)

    def do(connection: Session) -> str:
        sent = sum(send_again(connection, endpoint_id, ids) for endpoint_id, ids in found.messages.items())
        return f"{sent} {'message goes' if sent == 1 else 'messages go'} out again."

    more = f" {found.disabled} more are for disabled endpoints, and stay." if found.disabled else ""
    places = len(found.messages)
    question = (
        f"Send {found.count} {'message' if found.count == 1 else 'messages'} again to {places} "
        f"{'endpoint' if places == 1 else 'endpoints'}? They keep their ids, so a receiver that has had one does "
        f"nothing.{more}"
    )
    back = f"/automations/messages/{message}" if message else "/automations"
    return Prepared("redeliver", described(fields), question, found.count, back, do)
