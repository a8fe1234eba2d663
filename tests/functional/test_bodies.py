"""Bodies that are no JSON object: refused before anything is decided, nothing written, nothing of the stack told."""
# ruff: noqa: RUF001 - look-alike digits and letters are what these tests send

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.fakes.grocer import ADA, order
from tests.functional.api import Caller
from tests.functional.conftest import Stage

PATH = "/v1/purchases"


def refused(stage: Stage, till: Caller, *texts: str | None, **how: Any) -> list[tuple[int, str]]:
    """Send bodies that must be refused, each with its status and problem; the good order works right afterwards."""
    before = stage.items()
    replies = [till.send("POST", PATH, text, **how) for text in texts]
    assert stage.items() == before
    assert till.post(PATH, order()).status == 201
    return [(reply.status, reply.problem) for reply in replies]


def with_text(name: str, text: str) -> str:
    """The good order with a JSON text of one's own in place of a value."""
    return json.dumps({**order(), name: "PLACE"}).replace('"PLACE"', text)


MALFORMED = {
    "cut off": json.dumps(order())[:-1],
    "two documents": json.dumps(order()) * 2,
    "single quotes": str(order()),
    "a trailing comma": json.dumps(order())[:-1] + ",}",
    "a comment": "/* hello */" + json.dumps(order()),
    "a byte order mark": "\ufeff" + json.dumps(order()),
    "text": "hello",
    "form": "order_id=order-1&member_id=" + ADA,
    "XML": "<order/>",
    "blank": "   ",
    "a bare surrogate": "\ud800",
    "a control character in a string": '{"order_id": "a\u0001b"}',
    "half an escape": '{"order_id": "\\u12"}',
    "NaN": with_text("store", "NaN"),
    "Infinity": with_text("store", "Infinity"),
    "minus Infinity": with_text("store", "-Infinity"),
    "a leading zero": with_text("store", "007"),
    "a plus sign": with_text("store", "+7"),
    "a hexadecimal number": with_text("store", "0x1F"),
    "digits of another script": with_text("store", "１２"),
    "a number of 5000 digits": with_text("store", "9" * 5000),
    "nesting without end": "[" * 40_000,
    "nested objects without end": '{"a":' * 40_000,
    "the same name twice": '{"order_id": "order-1", ' + json.dumps(order())[1:],
    "the same name twice in a line": json.dumps(order()).replace('"sku":', '"amount": 1, "sku":'),
    "the same name in two spellings": '{"\\u006frder_id": "order-1", ' + json.dumps(order())[1:],
}


MALFORMED_BODY, INVALID = (400, "malformed-body"), (422, "request-invalid")


def test_a_body_that_is_not_one_json_document_is_malformed(stage: Stage, till: Caller) -> None:
    answers = refused(stage, till, *MALFORMED.values())
    assert dict(zip(MALFORMED, answers, strict=True)) == dict.fromkeys(MALFORMED, MALFORMED_BODY)


@pytest.mark.parametrize("text", ["null", "true", "1", '"order-1"', "[]", "{}", "[[[]]]"])
def test_a_body_that_is_no_object_is_refused(stage: Stage, till: Caller, text: str) -> None:
    assert refused(stage, till, text)[0] in [INVALID, MALFORMED_BODY]


@pytest.mark.parametrize("orders", [[order()], [order(), order("order-2")]])
def test_a_list_of_orders_is_refused(stage: Stage, till: Caller, orders: list[Any]) -> None:
    """Taking the first would drop the others without a word."""
    assert refused(stage, till, json.dumps(orders))[0] in [INVALID, MALFORMED_BODY]


@pytest.mark.parametrize("path", ["/v1/purchases/quote", "/v1/purchases/batch", "/v1/members"])
def test_no_route_takes_the_first_of_a_list_for_its_body(stage: Stage, till: Caller, path: str) -> None:
    good = {"/v1/members": {"customer_id": "new"}, "/v1/purchases/batch": {"purchases": [order()]}}.get(path, order())
    before = stage.items()
    assert till.post(path, [good]).status in {400, 422}
    assert stage.items() == before


def test_an_empty_body_is_refused(stage: Stage, till: Caller) -> None:
    assert set(refused(stage, till, None, "")) <= {INVALID, MALFORMED_BODY}


def test_a_number_that_is_not_written_as_a_whole_one_is_no_amount(stage: Stage, till: Caller) -> None:
    body = json.dumps(order(amount=777))
    texts = ["1e400", "-1e400", "1E5", "1.0", "-0.0", "0.5e1"]
    assert refused(stage, till, *(body.replace("777", text) for text in texts)) == [INVALID] * len(texts)


def test_an_unknown_field_nested_deep_is_refused_at_any_depth(stage: Stage, till: Caller) -> None:
    depths = [50, 150, 300, 500, 900, 980, 1500]
    texts = [with_text("gift", "[" * depth + "]" * depth) for depth in depths]
    texts += [with_text("gift", '{"a":' * depth + "1" + "}" * depth) for depth in depths]
    assert set(refused(stage, till, *texts)) <= {INVALID, MALFORMED_BODY}


def test_a_body_over_the_limit_is_refused_by_its_size_before_it_is_read(stage: Stage, till: Caller) -> None:
    texts = ["x" * size for size in (256 * 1024 + 1, 1024 * 1024)]
    texts += [json.dumps(order(store="x" * size)) for size in (256 * 1024, 1024 * 1024)]
    assert refused(stage, till, *texts) == [(413, "body-too-large")] * 4
    assert till.calls[0].json["bytes_max"] == 256 * 1024


def test_the_limit_counts_bytes_and_not_letters(stage: Stage, till: Caller) -> None:
    letters = json.dumps(order(store="é" * 140_000), ensure_ascii=False)
    assert refused(stage, till, letters) == [(413, "body-too-large")]


def test_a_body_that_just_fits_is_read(till: Caller) -> None:
    text = json.dumps(order())
    assert till.send("POST", PATH, text + " " * (256 * 1024 - len(text))).status == 201


def encoded(body: bytes) -> str:
    return base64.b64encode(body).decode()


def test_a_body_that_the_gateway_encoded_is_read_as_the_same_body(till: Caller) -> None:
    """API Gateway encodes whatever it does not take for text."""
    first = till.post(PATH, order(store="Köln"))
    text = json.dumps(order(store="Köln"), ensure_ascii=False)
    assert till.send("POST", PATH, encoded(text.encode()), base64=True).text == first.text


@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe\x00", b'{"order_id": "\xe9"}', b"\xed\xa0\x80", b"\xc0\xaf", json.dumps(order()).encode("utf-16")],
    ids=["no text", "latin-1", "a surrogate", "an overlong form", "utf-16"],
)
def test_an_encoded_body_that_is_not_utf_8_is_malformed(stage: Stage, till: Caller, body: bytes) -> None:
    assert refused(stage, till, encoded(body), base64=True) == [MALFORMED_BODY]


NEARLY = encoded(json.dumps(order()).encode())


@pytest.mark.parametrize("text", ["%%%", "abc", "é", f"{NEARLY[:8]}*{NEARLY[8:]}", f"{NEARLY[:8]}\n{NEARLY[8:]}"])
def test_a_body_that_is_not_encoded_as_it_says_is_refused(stage: Stage, till: Caller, text: str) -> None:
    assert refused(stage, till, text, base64=True)[0] in [INVALID, MALFORMED_BODY]


def test_an_encoded_body_over_the_limit_is_refused(stage: Stage, till: Caller) -> None:
    body = json.dumps(order()).encode() + b" " * 256 * 1024
    assert refused(stage, till, encoded(body), base64=True) == [(413, "body-too-large")]


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON", "APPLICATION/JSON;charset=UTF-8", None],
)
def test_json_is_read_however_its_type_is_written(till: Caller, content_type: str | None) -> None:
    assert till.send("POST", PATH, json.dumps(order()), content_type=content_type).status == 201


@pytest.mark.parametrize("as_base64", [False, True], ids=["text", "base64"])
@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "nonsense",
    ],
)
def test_a_body_of_another_type_is_malformed_even_if_it_holds_json(
    stage: Stage, till: Caller, content_type: str, as_base64: bool
) -> None:
    text = json.dumps(order())
    text = encoded(text.encode()) if as_base64 else text
    assert refused(stage, till, text, content_type=content_type, base64=as_base64) == [MALFORMED_BODY]


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_form_is_never_taken_for_an_order(stage: Stage, till: Caller, content_type: str) -> None:
    fields = {"order_id": "order-1", "member_id": ADA, "currency": "USD", "occurred_at": "2026-03-02T17:00:00Z"}
    form = "&".join(f"{name}={value}" for name, value in fields.items())
    parts = "".join(f'--x\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items())
    text = form if "urlencoded" in content_type else f"{parts}--x--\r\n"
    answers = refused(stage, till, encoded(text.encode()), content_type=content_type, base64=True)
    assert answers == [MALFORMED_BODY]


def test_every_route_with_a_body_reads_it_as_strictly(stage: Stage, till: Caller, operator: Caller) -> None:
    routes = [("POST", "/v1/purchases/quote"), ("POST", "/v1/purchases/batch"), ("POST", "/v1/members")]
    routes += [("PATCH", f"/v1/members/{ADA}"), ("PUT", "/v1/program")]
    before = stage.items()
    for method, path in routes:
        for text in ("{", '{"a": 1, "a": 2}', "[" * 40_000, '{"a": NaN}'):
            caller = operator if path == "/v1/program" else till
            assert caller.send(method, path, text).problem == "malformed-body", (path, text[:9])
    assert stage.items() == before
