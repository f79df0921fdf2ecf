"""The ids of messages never change: receivers remember them."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from automations.announcing import changes, identity

NINE = datetime(2026, 3, 2, 9, 52, 31, 30_000, tzinfo=UTC)


def test_ids_are_what_they_were() -> None:
    assert identity.webhook_id(identity.of_entry("participant.left", "s-1", "p-1", NINE)) == ENTRY
    assert identity.webhook_id(identity.of_copy("recording.paused", "s-1", "r-1", b"\x01" * 32, 2)) == COPY
    assert identity.webhook_id(identity.of_revision("session.revised", "s-1", 2)) == REVISION


ENTRY = "msg_26934544-ed7f-5d02-84a5-5b85a7c48103"
COPY = "msg_4defa139-920c-569e-9a02-e978be3a3ea0"
REVISION = "msg_53e34ad5-8629-50ef-a946-ef2cc1edec74"


def test_a_time_in_another_zone_is_the_same_time() -> None:
    elsewhere = NINE.astimezone(timezone(timedelta(hours=5, minutes=45)))
    assert identity.of_entry("a", "s", "p", NINE) == identity.of_entry("a", "s", "p", elsewhere)


@given(st.lists(st.text(), min_size=2, max_size=4), st.lists(st.text(), min_size=2, max_size=4))
def test_different_parts_make_different_ids(one: list[str], other: list[str]) -> None:
    assert (identity.of_parts("t", *one) == identity.of_parts("t", *other)) == (one == other)


names = st.text(max_size=5)
rows = st.dictionaries(names, st.dictionaries(st.sampled_from(["a", "b~/"]), st.integers(0, 3), min_size=1), max_size=4)


@given(rows, rows)
def test_what_has_changed_is_what_differs(before: dict[str, dict[str, int]], after: dict[str, dict[str, int]]) -> None:
    def state(people: dict[str, dict[str, int]]) -> dict[str, object]:
        return {"session": {"n": len(people)}, "attendance": [{"person": name, **row} for name, row in people.items()]}

    def pointers(people: dict[str, dict[str, int]]) -> dict[str, object]:
        found: dict[str, object] = {"/session/n": len(people)}
        for name, row in people.items():
            key = name.replace("~", "~0").replace("/", "~1")
            found[f"/attendance/{key}/person"] = name
            found |= {f"/attendance/{key}/{m.replace('~', '~0').replace('/', '~1')}": v for m, v in row.items()}
        return found

    said = changes.changed(changes.leaves(state(before)), state(after))
    old, new = pointers(before), pointers(after)
    expected = {pointer for pointer, value in new.items() if old.get(pointer) != value}
    if old.keys() - new.keys():
        expected.add("/attendance")
    assert set(said) == expected
    assert (changes.digest(state(before)) == changes.digest(state(after))) == (
        before == after and [*before] == [*after]
    )
