"""The model of the audit: what people did in the web console."""

from sqlalchemy import Identity, text
from sqlalchemy.orm import Mapped, mapped_column

from workers.tables.models.holding import PersonId, Plain, Time, Whole
from workers.tables.models.schema import Base


class Audited(Base):
    """Something that somebody did in the web console, or a person's page that they looked at."""

    __tablename__ = "audit"

    id: Mapped[Whole] = mapped_column(Identity(always=True), primary_key=True)
    at: Mapped[Time] = mapped_column(server_default=text("clock_timestamp()"))
    who: Mapped[PersonId] = mapped_column(doc="link, password, or the user whom the proxy names.")
    act: Mapped[Plain] = mapped_column(doc="Such as replay, redeliver, enable, disable, test, look at a person.")
    subject: Mapped[Plain] = mapped_column(doc="What it was done to; a person by a keyed hash.")
    touched: Mapped[Whole | None] = mapped_column(doc="How many deliveries or messages it touched.")
    address: Mapped[PersonId] = mapped_column(doc="Where it was done from: a proxy's, if one stands in front.")
