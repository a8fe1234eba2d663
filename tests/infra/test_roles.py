"""What each function may do, pinned to the letter: a new permission is a change here, seen in review."""

from typing import Any

import pytest

from tests.infra.conftest import Synth, Synthesized

pytestmark = pytest.mark.infra

# Actions, then the partition keys they are held to (none: any item).
MAY_ON_THE_TABLE = {
    "members": [
        (["GetItem", "BatchGetItem"], None),
        (["Query"], ["PROGRAM"]),
        (["PutItem"], ["MEMBER#*", "IDENTITY#*", "LOGIN#*", "CLOSE#*", "MERGE#*"]),
        (["PutItem"], ["REFERRAL#*", "REFERRER#*", "FINGERPRINT#*", "FLAGS", "GUESS#*", "SECRET"]),
        (["UpdateItem"], ["MEMBER#*", "REFERRER#*", "FUNNEL#*", "BUDGET#*", "FINGERPRINT#*", "GUESS#*"]),
        (["DeleteItem"], ["IDENTITY#*", "LOGIN#*", "FLAGS"]),
    ],
    "earning": [
        (["GetItem", "BatchGetItem"], None),
        (["Query"], ["PROGRAM"]),
        (["Query"], ["ORDER#*"]),
        (["PutItem"], ["ORDER#*", "ACTIVITY#*", "CARDLOG#*", "REFERRAL#*", "FLAGS"]),
        (["UpdateItem"], ["MEMBER#*", "CARD#*", "REFERRER#*", "FUNNEL#*", "BUDGET#*"]),
        (["DeleteItem"], ["FLAGS"]),
    ],
    "standing": [
        (["GetItem", "BatchGetItem"], None),
        (["Query"], ["PROGRAM"]),
        (["PutItem"], ["BILLING#*", "REVIEW#*", "REFERRAL#*", "FLAGS"]),
        (["UpdateItem"], ["MEMBER#*", "REFERRER#*", "FUNNEL#*", "BUDGET#*"]),
        (["DeleteItem"], ["FLAGS"]),
    ],
    "referrals": [
        (["GetItem", "BatchGetItem"], None),
        (["Query"], ["PROGRAM"]),
        (["Query"], ["REFERRER#*", "FUNNEL#*", "FLAGS", "DISPOSABLE"]),
        (["PutItem"], ["KEY#*", "REFERRAL#*", "REFERRER#*", "CODE#*", "SECRET", "DISPOSABLE", "GUESS#*"]),
        (["UpdateItem"], ["MEMBER#*", "REFERRER#*", "FUNNEL#*", "BUDGET#*", "GUESS#*"]),
        (["DeleteItem"], ["FLAGS", "DISPOSABLE"]),
    ],
    "redemption": [
        (["GetItem", "BatchGetItem"], None),
        (["Query"], ["PROGRAM"]),
        (["PutItem"], ["KEY#*", "CODE#*", "ORDER#*", "CARD#*", "CARDLOG#*", "GUESS#*"]),
        (["UpdateItem"], ["MEMBER#*", "STOCK#*", "CHARITY#*", "GUESS#*"]),
    ],
    "transfers": [
        (["GetItem", "BatchGetItem"], None),
        (["Query"], ["PROGRAM"]),
        (["PutItem"], ["KEY#*"]),
        (["UpdateItem"], ["MEMBER#*"]),
    ],
    "adjustments": [
        (["GetItem", "BatchGetItem"], None),
        (["Query"], ["PROGRAM"]),
        (["Query"], ["APPROVALS"]),
        (["PutItem"], ["KEY#*", "APPROVALS"]),
        (["UpdateItem"], ["MEMBER#*"]),
        (["DeleteItem"], ["APPROVALS"]),
    ],
    "donations": [
        (["GetItem", "BatchGetItem"], None),
        (["Query"], ["PROGRAM"]),
        (["Query"], ["CHARITY#*"]),
    ],
    "wallets": [
        (["GetItem", "BatchGetItem"], None),
        (["Query"], ["PROGRAM"]),
        (["PutItem"], ["SECRET"]),
    ],
    "rewards": [
        (["GetItem", "BatchGetItem"], None),
        (["Query"], ["PROGRAM"]),
        (["Query"], ["CATALOG", "REWARD#*"]),
        (["PutItem"], ["CATALOG", "REWARD#*", "STOCK#*"]),
        (["UpdateItem"], ["CATALOG", "STOCK#*"]),
    ],
    "gift_cards": [
        (["GetItem", "BatchGetItem"], None),
        (["Query"], ["PROGRAM"]),
        (["Query"], ["CARDLOG#*"]),
        (["PutItem"], ["CARD#*", "CARDLOG#*", "CODE#*", "ISSUE#*", "ORDER#*", "GUESS#*"]),
        (["UpdateItem"], ["CARD#*", "GUESS#*"]),
    ],
    "program": [(["GetItem", "BatchGetItem"], None), (["Query", "PutItem"], ["PROGRAM"])],
    "test_clock": [(["GetItem"], None), (["PutItem", "UpdateItem"], ["CLOCK"])],
}
STATE = ("MEMBER#*", "IDENTITY#*", "LOGIN#*", "CATALOG", "STOCK#*", "CARD#*", "GUESS#*")
# Sums and lists, of what waits for an operator too: nothing that an entry could not tell again, but for the code that a member
# shows. Who was seen with what, and the mail domains that an operator names, are in no entry either, and move no points.
COUNTERS = ("CHARITY#*", "APPROVALS", "BUDGET#*", "REFERRER#*", "FUNNEL#*", "FLAGS")
BESIDE = ("FINGERPRINT#*", "DISPOSABLE")
READS_HISTORIES = (
    "members",
    "earning",
    "standing",
    "redemption",
    "transfers",
    "adjustments",
    "donations",
    "wallets",
    "rewards",
    "program",
    "referrals",
)
EVERY_FUNCTION = [*MAY_ON_THE_TABLE, "openapi"]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def is_index(statement: dict[str, Any], name: str = "") -> bool:
    return f"/index/{name}" in str(statement["Resource"])


def may(statements: list[dict[str, Any]]) -> list[tuple[list[str], list[str] | None]]:
    return [
        (
            [action.removeprefix("dynamodb:") for action in listed(one["Action"])],
            one.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys"),
        )
        for one in statements
    ]


@pytest.mark.parametrize("function", MAY_ON_THE_TABLE)
def test_a_role_holds_exactly_its_permissions_on_the_table(dev: Synthesized, function: str) -> None:
    statements = dev.role(function)["table"]
    assert may([one for one in statements if not is_index(one)]) == MAY_ON_THE_TABLE[function]
    query = [(["Query"], None)]
    assert may([one for one in statements if is_index(one, "history")]) == (query if function in READS_HISTORIES else [])
    assert may([one for one in statements if is_index(one, "ranking")]) == (query if function == "referrals" else [])
    assert {one["Effect"] for one in statements} == {"Allow"}


@pytest.mark.parametrize("function", MAY_ON_THE_TABLE)
def test_a_limit_to_keys_holds_also_when_a_request_names_none(dev: Synthesized, function: str) -> None:
    for statement in dev.role(function)["table"]:
        condition = statement.get("Condition", {})
        assert ("ForAllValues:StringLike" in condition) == ("Null" in condition)
        assert condition.get("Null", {"dynamodb:LeadingKeys": "false"}) == {"dynamodb:LeadingKeys": "false"}


@pytest.mark.parametrize("function", [name for name in EVERY_FUNCTION if name != "test_clock"])
def test_production_roles_are_those_of_dev(prod: Synthesized, dev: Synthesized, function: str) -> None:
    on_prod, on_dev = prod.role(function), dev.role(function)
    on_prod.pop("key", None)
    assert str(on_prod).replace("-prod-", "-dev-") == str(on_dev)


@pytest.mark.parametrize("function", EVERY_FUNCTION)
def test_local_roles_lack_the_null_condition_and_traces_and_nothing_else(
    local: Synthesized, dev: Synthesized, function: str
) -> None:
    expected = dev.role(function)
    del expected["traces"]
    for statement in expected.get("table", []):
        statement.get("Condition", {}).pop("Null", None)
    assert str(local.role(function)).replace("-local-", "-dev-") == str(expected)


@pytest.mark.parametrize("function", EVERY_FUNCTION)
def test_a_role_writes_to_its_own_log_group_only(dev: Synthesized, function: str) -> None:
    (statement,) = dev.role(function)["logs"]
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    own = dev.functions()[function]["LoggingConfig"]["LogGroup"]["Ref"]
    assert statement["Resource"] == {"Fn::GetAtt": [own, "Arn"]}


def test_the_document_function_reaches_no_table(prod: Synthesized) -> None:
    assert set(prod.role("openapi")) == {"logs", "traces"}


def test_no_role_has_a_wildcard_but_for_sending_traces(prod: Synthesized, dev: Synthesized) -> None:
    for stage in (prod, dev):
        for function in stage.functions():
            for policy, statements in stage.role(function).items():
                for one in statements:
                    assert "*" not in "".join(listed(one["Action"]))
                    assert ("*" in str(one["Resource"])) == (policy == "traces")
    (traces,) = prod.role("earning")["traces"]
    assert traces["Action"] == ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]


def test_nobody_scans_and_nobody_changes_or_deletes_an_entry(prod: Synthesized) -> None:
    for function in prod.functions():
        for statement in prod.role(function).get("table", []):
            actions = set(listed(statement["Action"]))
            assert "dynamodb:Scan" not in actions
            if actions & {"dynamodb:UpdateItem", "dynamodb:DeleteItem"}:
                keys = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
                assert set(keys) <= {*STATE, *COUNTERS, *BESIDE}


def test_the_customers_key_is_used_through_dynamodb_only(prod: Synthesized) -> None:
    for function in set(prod.functions()) - {"openapi"}:
        (statement,) = prod.role(function)["key"]
        assert {"kms:Decrypt", "kms:DescribeKey"} <= set(statement["Action"])
        assert "LedgerKey" in str(statement["Resource"])
        via = statement["Condition"]["StringEquals"]["kms:ViaService"]
        assert via == {"Fn::Join": ["", ["dynamodb.", {"Ref": "AWS::Region"}, ".amazonaws.com"]]}


def test_without_the_customers_key_no_role_names_one(synth: Synth) -> None:
    stage = synth("prod", customer_key="false")
    assert all("key" not in stage.role(function) for function in stage.functions())


def test_only_lambda_takes_on_a_role_and_each_function_has_its_own(prod: Synthesized) -> None:
    roles = prod.of_type("IAM::Role")
    for role in roles.values():
        (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert len({str(one["Role"]) for one in prod.functions().values()}) == len(prod.functions()) == len(roles)
    assert prod.of_type("IAM::Policy") == {}
