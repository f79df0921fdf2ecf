"""Reads the API's answers leniently: what is published of them disagrees with itself in many places.

An answer is a JSON object with `success` and `data`; the gateway's own has `result`. Paging stands beside `data`, in
it, or nowhere.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

Row = dict[str, Any]

# Written by people who start a recording or a stream, and good for taking them over.
_SECRETS = frozenset({"storage_config", "stream_key", "streamkey", "rtmp_key", "secret", "access_key", "private_key"})
_MOST_SAID = 300


class NoAnswerError(Exception):
    """A body is no whole answer of the API: it is empty, cut off, HTML, or says that it failed."""


def read_answer(content: bytes) -> Mapping[str, Any]:
    """Return the object of a successful answer.

    Raises:
        NoAnswerError: it is none, or not whole.
    """
    answer = _json_object(content)
    if answer is None:
        raise NoAnswerError("no JSON object")
    if answer.get("success") is False:
        raise NoAnswerError(message_of(content) or "it says that it failed")
    if "data" not in answer and "result" not in answer:
        raise NoAnswerError("it holds no data")
    return answer


def data_of(answer: Mapping[str, Any]) -> Any:
    """Return what an answer holds."""
    return answer["data"] if "data" in answer else answer["result"]


def message_of(content: bytes) -> str:
    """Return what an answer says of its failure; empty if it says nothing that can be read."""
    answer = _json_object(content)
    if answer is None:
        return ""
    errors = answer.get("errors")
    texts = [one.get("message") for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    error = answer.get("error")
    texts += [error.get("message") if isinstance(error, dict) else error, answer.get("message")]
    said = next((text for text in texts if isinstance(text, str) and text), "")
    # Nothing that could be a link goes into a log or an error.
    return " ".join(word for word in said.split() if "://" not in word)[:_MOST_SAID]


def one_of(answer: Mapping[str, Any], name: str) -> Row | None:
    """Return the one object of an answer: in `data` under its name, or `data` itself; None if it is neither."""
    data = data_of(answer)
    if isinstance(data, dict) and isinstance(data.get(name), dict):
        data = data[name]
    return without_secrets(data) if isinstance(data, dict) else None


def rows_of(answer: Mapping[str, Any], name: str) -> Sequence[Row]:
    """Return the objects of a list: `data` itself, or in `data` under its name. What is no object is left out."""
    data = data_of(answer)
    if isinstance(data, dict):
        data = data.get(name)
    return [without_secrets(row) for row in data if isinstance(row, dict)] if isinstance(data, list) else []


def is_last_page(answer: Mapping[str, Any], rows: Sequence[Row], fullest: int) -> bool:
    """Return whether no page comes after this one.

    Args:
        answer: the page.
        rows: what it holds.
        fullest: a page with fewer rows is the last, where the vendor does not say how many there are.
    """
    if not rows:
        return True
    total, end = total_of(answer), _paging(answer).get("end_offset")
    if total is not None and isinstance(end, int):
        return end >= total
    return len(rows) < fullest


def total_of(answer: Mapping[str, Any]) -> int | None:
    """Return how many rows all pages of a list hold; None if the vendor does not say."""
    total = _paging(answer).get("total_count")
    return total if isinstance(total, int) else None


def without_secrets(value: Any) -> Any:
    """Return a value without storage settings and keys, at any depth."""
    if isinstance(value, dict):
        return {name: without_secrets(one) for name, one in value.items() if str(name).lower() not in _SECRETS}
    if isinstance(value, list):
        return [without_secrets(one) for one in value]
    return value


def counts_from_zero(first_page: Mapping[str, Any], rows: Sequence[Row]) -> bool:
    """Return whether what was asked for as page 1 is the second page: which number is the first is not published."""
    if not rows:
        # A list of one page has no second, although there are rows.
        return bool(total_of(first_page))
    start = _paging(first_page).get("start_offset")
    return isinstance(start, int) and start > 1


def _paging(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    data = data_of(answer)
    paging = answer.get("paging") or (data.get("paging") if isinstance(data, dict) else None)
    return paging if isinstance(paging, dict) else {}


def _json_object(content: bytes) -> Row | None:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
