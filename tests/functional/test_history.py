"""The history: every entry once, newest first, page by page; and one entry explained."""
# ruff: noqa: RUF001 - look-alike digits and letters are what these tests send

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from functions.wallets import list_entries
from shared.api.cursor import sign_cursor
from tests.fakes import grocer
from tests.fakes.clients import LaggingClient
from tests.fakes.clock import FakeClock
from tests.fakes.grocer import ADA, BOB, order
from tests.functional.api import Caller
from tests.functional.conftest import Stage

ENTRIES = f"/v1/members/{ADA}/entries"
ORDERS = 7


@pytest.fixture
def history(till: Caller, clock: FakeClock) -> list[str]:
    """Seven orders of Ada's, a day apart, the last ones late; their entry ids, newest first. Bob has one."""
    for n, days_late in enumerate([0, 0, 0, 0, 6, 0, 30]):
        occurred = clock.now() - timedelta(days=days_late)
        body = order(f"order-{n}", 100 * n, occurred_at=occurred.isoformat())
        assert till.post("/v1/purchases", body).status == 201
        clock.advance(days=1)
    till.post("/v1/purchases", order("bobs", member_id=BOB))
    return [f"purchase:order-{n}" for n in range(ORDERS - 1, -1, -1)]


def walk(caller: Caller, path: str = ENTRIES, **query: Any) -> list[str]:
    """All pages of a list, as entry ids."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(50):
        page = caller.get(path, **query, **cursor).json
        found += [entry["entry_id"] for entry in page["entries"]]
        if page["cursor"] is None:
            return found
        cursor = {"cursor": page["cursor"]}
    raise AssertionError("the pages never end")


def test_cursors_walk_every_entry_once_newest_first(till: Caller, history: list[str]) -> None:
    for limit in (1, 2, 3, 6, 7, 8, 100):
        till.calls.clear()
        assert walk(till, limit=limit) == history
        assert max(len(reply.json["entries"]) for reply in till.calls) == min(limit, ORDERS)


def test_entries_posted_between_two_pages_do_not_disturb_the_walk(till: Caller, history: list[str]) -> None:
    first = till.get(ENTRIES, limit=3).json
    till.post("/v1/purchases", order("order-new"))
    second = till.get(ENTRIES, limit=100, cursor=first["cursor"]).json
    assert [entry["entry_id"] for entry in first["entries"] + second["entries"]] == history


def test_a_row_tells_what_changed_and_the_balances_after_it(till: Caller) -> None:
    till.post("/v1/purchases", order())
    assert till.get(ENTRIES).json == {
        "entries": [
            {
                "entry_id": "purchase:order-1",
                "kind": "purchase",
                "sequence": 1,
                "occurred_at": "2026-03-02T17:00:00Z",
                "recorded_at": "2026-03-02T17:00:00Z",
                "changes": [{"debit": "issued", "credit": "active", "currency": "points", "points": 19}],
                "balances": [{"currency": "points", "balance": 19, "active": 19, "pending": 0, "debt": 0}],
            }
        ],
        "cursor": None,
    }


def test_a_member_without_entries_has_an_empty_history(till: Caller) -> None:
    assert till.get(ENTRIES).json == {"entries": [], "cursor": None}


def test_members_read_their_own_history_and_no_other(ada: Caller, bob: Caller, history: list[str]) -> None:
    assert walk(ada, "/v1/me/entries", limit=2) == history
    assert walk(bob, "/v1/me/entries") == ["purchase:bobs"]


def test_the_history_can_be_filtered_by_kind_and_day(
    till: Caller, operator: Caller, history: list[str], clock: FakeClock
) -> None:
    operator.post(f"/v1/members/{ADA}/close")
    assert walk(till, kind="closure") == [f"closure:{ADA}"]
    assert walk(till, kind="purchase", limit=2) == history
    assert walk(till, kind="purchase", since="2026-03-06") == history[:3]
    assert walk(till, as_of="2026-03-04") == history[4:]
    assert walk(till, since="2026-03-04", as_of="2026-03-05", limit=1) == history[3:5]


def test_the_days_of_the_filters_may_be_those_of_the_purchases(till: Caller, history: list[str]) -> None:
    assert walk(till, as_of="2026-03-01", basis="occurred") == ["purchase:order-6", "purchase:order-4"]
    assert walk(till, as_of="2026-03-01") == []


def test_a_history_has_no_gap_while_its_index_lags(stage: Stage, make_stage: Any, till: Caller, history: list[str]) -> None:
    lagging = LaggingClient(stage.store.client, {3, 6, 7})
    make_stage(client=lagging)
    assert walk(till, limit=2) == history
    assert walk(till, since="2026-03-07") == history[:2]


def test_a_filter_that_passes_most_entries_over_answers_short_pages_and_loses_none(
    monkeypatch: pytest.MonkeyPatch, till: Caller, history: list[str]
) -> None:
    monkeypatch.setattr(list_entries, "EXAMINED_MAX", 2)
    newest = till.get(ENTRIES, since="2026-03-07", limit=5).json
    assert len(newest["entries"]) == 2
    assert newest["cursor"] is not None
    assert walk(till, since="2026-03-03", limit=5) == history[:6]


def test_a_cursor_fits_only_the_request_it_came_from(till: Caller, ada: Caller, bob: Caller, history: list[str]) -> None:
    cursor = till.get(ENTRIES, limit=2).json["cursor"]
    for caller, path, query in [
        (till, f"/v1/members/{BOB}/entries", {}),
        (bob, "/v1/me/entries", {}),
        (till, ENTRIES, {"kind": "purchase"}),
        (till, ENTRIES, {"since": "2026-03-01"}),
        (till, ENTRIES, {"as_of": "2026-03-02"}),
        (till, ENTRIES, {"basis": "occurred"}),
    ]:
        reply = caller.get(path, limit=2, cursor=cursor, **query)
        assert (reply.status, reply.problem) == (400, "cursor-invalid"), (path, query)
    assert till.get(ENTRIES, limit=5, cursor=cursor).status == 200, "the size of a page may change"


def test_a_cursor_that_was_tampered_with_is_refused(stage: Stage, till: Caller, history: list[str]) -> None:
    cursor = till.get(ENTRIES, limit=2).json["cursor"]
    value, signature = cursor.rsplit(".", 1)
    foreign = sign_cursor([3, "purchase:order-2"], b"another stage's key", "entries", ADA)
    tampered = [
        *(cursor[:-1], cursor + "x", cursor.upper(), value, f".{signature}", f"{value}.", signature, "", ".", "..", "x"),
        *(f"{value[:-1]}A.{signature}", f"{value}.{signature[::-1]}", f"{value}.{value}.{signature}", foreign),
        *("é", "１２", "😀", "a" * 999, "null", "W10=.x", "%00", " " + cursor, cursor.replace(".", "..")),
    ]
    before = stage.items()
    for cursor in tampered:
        reply = till.get(ENTRIES, limit=2, cursor=cursor)
        assert (reply.status, reply.problem) == (400, "cursor-invalid"), (cursor, reply)
    assert stage.items() == before


def test_a_cursor_longer_than_any_is_refused(till: Caller) -> None:
    assert till.get(ENTRIES, cursor="a" * 1001).problem == "request-invalid"


def test_a_limit_is_a_plain_number_from_1_to_100(till: Caller) -> None:
    wrong = ["0", "101", "-1", "", "1.5", "1.0", "x", "true", "１０", "1,2", "9" * 30, " 5", "1_0", "+5", "0x5"]
    accepted = [limit for limit in wrong if till.get(ENTRIES, limit=limit).problem != "request-invalid"]
    assert accepted == []


def test_a_history_takes_no_other_question(till: Caller) -> None:
    wrong = ["kind=gift", "kind=PURCHASE", "since=2026-3-1", "order=asc", "limit=1&limit=2", "Limit=5", "cursor=a&cursor=b"]
    accepted = [query for query in wrong if till.send("GET", ENTRIES, query=query).problem != "request-invalid"]
    assert accepted == []


def test_one_entry_explains_itself(till: Caller, ada: Caller, history: list[str]) -> None:
    reply = till.get("/v1/entries/purchase:order-3")
    assert reply.status == 200
    found = reply.json
    assert found["previous_entry_id"] == "purchase:order-2"
    assert found["purchase"]["lines"] == [{"sku": "apples", "quantity": 1, "amount": 300, "category": None}]
    assert found["earned"][0]["why"] == [{"rule": "base", "program_version": 1, "points": 3, "room": None}]
    assert [(p["debit"], p["credit"], p["points"], p["lots"][0]["first_serial"]) for p in found["postings"]] == [
        ("issued", "active", 3, 4)
    ]
    assert ada.get("/v1/me/entries/purchase:order-3").text == reply.text


def test_an_entry_tells_what_the_dates_did_before_it(till: Caller, clock: FakeClock) -> None:
    till.post("/v1/purchases", order("old", 1000))
    clock.advance(days=365)
    till.post("/v1/purchases", order("new", 200, occurred_at="2027-03-02T17:00:00Z"))
    postings = till.get("/v1/entries/purchase:new").json["postings"]
    assert [(p["debit"], p["credit"], p["points"]) for p in postings] == [
        ("active", "expired", 10),
        ("issued", "active", 2),
    ]


def test_an_entry_id_may_be_written_with_its_colon_escaped(till: Caller, history: list[str]) -> None:
    assert till.get("/v1/entries/purchase%3Aorder-3").text == till.get("/v1/entries/purchase:order-3").text


def test_anothers_entry_is_as_unknown_as_none(ada: Caller, bob: Caller, history: list[str]) -> None:
    none = bob.get("/v1/me/entries/purchase:order-99")
    assert (none.status, none.problem) == (404, "entry-unknown")
    assert bob.get("/v1/me/entries/purchase:order-3").text == none.text
    assert ada.get("/v1/me/entries/purchase:bobs").text == none.text


def test_what_is_no_entry_is_refused(till: Caller) -> None:
    unknown = ["gift:1", "purchase:nothing", f"closure:{ADA}", "purchase:a:b", "refund:a", "refund:a:b", "use:gift:1"]
    unknown += ["use:key:a:b:c", "cancel:purchase:nothing", "arrival:merge:nobody", "key:a", "use:use:use:a"]
    invalid = ["order-1", "purchase:", "Purchase:order-1", "purchase:é", ":".join("a" * 22)]
    problems = {entry_id: till.get(f"/v1/entries/{entry_id}").problem for entry_id in unknown + invalid}
    assert problems == dict.fromkeys(unknown, "entry-unknown") | dict.fromkeys(invalid, "request-invalid")


def test_an_unknown_member_has_neither_wallet_nor_history(till: Caller) -> None:
    for path in ("wallet", "entries"):
        reply = till.get(f"/v1/members/{grocer.CAT}/{path}")
        assert (reply.status, reply.problem) == (404, "member-unknown")


def test_someone_who_signs_in_and_is_no_member_sees_nothing(stranger: Caller) -> None:
    for path in ("wallet", "entries", "entries/purchase:order-1"):
        reply = stranger.get(f"/v1/me/{path}")
        assert (reply.status, reply.problem) == (404, "login-unknown")
