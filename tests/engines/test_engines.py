"""Every engine gives an empty table that behaves as the ledger needs it to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.engines.dynamodb_local import (
    FOLDER_VARIABLE,
    DynamoDBLocalError,
    dynamodb_local_server,
    reason_to_skip,
)
from tests.engines.engine import Engine
from tests.engines.ministack import Backend, MiniStackError, ministack_table

ENTRY = {
    "pk": {"S": "ORDER#1"},
    "sk": {"S": "PURCHASE"},
    "member": {"S": "m1"},
    "seq": {"N": "1"},
    "kind": {"S": "earn"},
}
WALLET_KEY = {"pk": {"S": "MEMBER#m1"}, "sk": {"S": "WALLET"}}


def post(engine: Engine, *, seq_read: int, token: str | None = None) -> None:
    """The ledger's write in small: a new entry, and the wallet as it was read."""
    token_argument: dict[str, Any] = {"ClientRequestToken": token} if token else {}
    engine.client.transact_write_items(
        TransactItems=[
            {
                "Put": {
                    "TableName": engine.table,
                    "Item": ENTRY,
                    "ConditionExpression": "attribute_not_exists(pk)",
                }
            },
            {
                "Update": {
                    "TableName": engine.table,
                    "Key": WALLET_KEY,
                    "UpdateExpression": "SET version = :next",
                    "ConditionExpression": "version = :read",
                    "ExpressionAttributeValues": {
                        ":read": {"N": str(seq_read)},
                        ":next": {"N": str(seq_read + 1)},
                    },
                    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                }
            },
        ],
        **token_argument,
    )


def wallet_at(engine: Engine, version: int) -> None:
    engine.client.put_item(TableName=engine.table, Item=WALLET_KEY | {"version": {"N": str(version)}})


def test_a_transaction_whose_condition_fails_writes_nothing_and_says_which(any_engine: Engine) -> None:
    wallet_at(any_engine, 7)
    with pytest.raises(any_engine.client.exceptions.TransactionCanceledException) as refused:
        post(any_engine, seq_read=6)
    reasons: list[Any] = refused.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert reasons[1]["Item"]["version"] == {"N": "7"}
    assert "Item" not in any_engine.client.get_item(TableName=any_engine.table, Key={k: ENTRY[k] for k in ("pk", "sk")})


def test_the_history_index_lists_entries_and_not_wallets(any_engine: Engine) -> None:
    wallet_at(any_engine, 0)
    post(any_engine, seq_read=0)
    page = any_engine.client.query(
        TableName=any_engine.table,
        IndexName="history",
        # MEMBER is a reserved word of DynamoDB's; moto does not mind.
        KeyConditionExpression="#member = :m",
        ExpressionAttributeNames={"#member": "member"},
        ExpressionAttributeValues={":m": {"S": "m1"}},
    )
    assert page["Items"] == [ENTRY]


def test_ministack_applies_a_transaction_once_per_token(ministack_engine: Engine) -> None:
    wallet_at(ministack_engine, 0)
    post(ministack_engine, seq_read=0, token="same")
    post(ministack_engine, seq_read=0, token="same")
    with pytest.raises(ministack_engine.client.exceptions.TransactionCanceledException):
        post(ministack_engine, seq_read=0, token="another")


def test_two_ministack_tables_share_nothing() -> None:
    with ministack_table() as one, ministack_table() as other:
        wallet_at(one, 1)
        assert other.client.list_tables()["TableNames"] == [other.table]
        assert other.client.scan(TableName=other.table)["Items"] == []


def test_a_closed_ministack_backend_holds_nothing() -> None:
    backend = Backend()
    backend.ask("CreateTable", **_small_table("laurel"))
    backend.ask("PutItem", TableName="laurel", Item={"pk": {"S": "a"}})
    backend.close()
    assert backend.ask("ListTables")["TableNames"] == []
    with pytest.raises(MiniStackError, match="ResourceNotFoundException"):
        backend.ask("GetItem", TableName="laurel", Key={"pk": {"S": "a"}})


def test_a_backend_lists_all_items_over_any_number_of_pages() -> None:
    backend = Backend()
    backend.ask("CreateTable", **_small_table("laurel", sort_key=True))
    for number in range(6):
        item = {"pk": {"S": f"{number}"}, "sk": {"S": "x"}, "blob": {"S": "y" * 390_000}}
        backend.ask("PutItem", TableName="laurel", Item=item)
    assert [item["pk"]["S"] for item in backend.items("laurel")] == list("012345")
    backend.close()


def test_a_refused_request_of_the_tests_own_says_why() -> None:
    with pytest.raises(MiniStackError, match="ResourceNotFoundException"):
        Backend().ask("GetItem", TableName="laurel", Key={"pk": {"S": "a"}})


def test_errors_of_an_engine_reach_the_caller_as_the_sdks_own(any_engine: Engine) -> None:
    with pytest.raises(ClientError) as refused:
        any_engine.client.get_item(TableName="laurel-not-there", Key=WALLET_KEY)
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_dynamodb_local_is_skipped_with_what_to_do_until_someone_sets_it_up(tmp_path: Path) -> None:
    assert FOLDER_VARIABLE in (reason_to_skip({}) or "")
    assert "without DynamoDBLocal.jar" in (reason_to_skip({FOLDER_VARIABLE: str(tmp_path)}) or "")
    (tmp_path / "DynamoDBLocal.jar").touch()
    assert "Java" in (reason_to_skip({FOLDER_VARIABLE: str(tmp_path), "PATH": str(tmp_path)}) or "")


def test_a_dynamodb_local_that_dies_at_once_says_what_it_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho no main manifest attribute\nexit 1\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(DynamoDBLocalError, match="no main manifest"), dynamodb_local_server(tmp_path):
        pass


def _small_table(name: str, *, sort_key: bool = False) -> dict[str, Any]:
    keys = [("pk", "HASH"), ("sk", "RANGE")][: 2 if sort_key else 1]
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in keys],
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
    }
