"""What each function may do, pinned to the letter: a new permission is a change here, seen in review."""

from copy import deepcopy
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
        (["PutItem"], ["GRANT#*"]),
        (["UpdateItem"], ["MEMBER#*", "CARD#*", "CAMPAIGN#*", "REFERRER#*", "FUNNEL#*", "BUDGET#*"]),
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
        (["PutItem"], ["GIFT#*"]),
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
    "campaigns": [
        (["GetItem", "BatchGetItem"], None),
        (["Query"], ["PROGRAM"]),
        (["Query"], ["CAMPAIGN#*", "RUNS", "DRAW#*"]),
        (["PutItem"], ["CAMPAIGN#*", "RUNS"]),
        (["UpdateItem"], ["CAMPAIGN#*"]),
    ],
    "bonuses": [
        (["GetItem", "BatchGetItem"], None),
        (["Query"], ["PROGRAM"]),
        (["Query"], ["CAMPAIGN#*", "RUNS", "DRAW#*"]),
        (["PutItem"], ["GRANT#*", "GIFT#*", "NOTICE#*", "SWEEP#*", "REVIEW#*"]),
        (["PutItem"], ["CODE#*", "CARD#*", "CARDLOG#*", "CAMPAIGN#*", "RUNS", "DRAW#*"]),
        (["UpdateItem"], ["MEMBER#*", "BUDGET#*", "STOCK#*", "CAMPAIGN#*"]),
        (["DeleteItem"], ["RUNS"]),
    ],
    "messages": [
        (["GetItem", "BatchGetItem"], None),
        (["Query"], ["PROGRAM"]),
        (["PutItem", "UpdateItem"], ["MESSAGE#*"]),
    ],
    "test_clock": [(["GetItem"], None), (["PutItem", "UpdateItem"], ["CLOCK"])],
}
SCHEDULES = (["CreateSchedule", "UpdateSchedule", "DeleteSchedule"], "schedule/laurel-dev/*")
PASSING = (["PassRole"], "OutletsScheduleRole")
# Actions, then what they are allowed on.
MAY_BESIDE_THE_TABLE = {
    "campaigns": [(["PutEvents"], "OutletsBus"), (["StartExecution"], "OutletsCampaignsMachine"), SCHEDULES, PASSING],
    "bonuses": [(["StartExecution"], "OutletsCampaignsMachine"), (["SendMessage"], "OutletsQueuesFailed")],
    "events": [
        (["GetRecords", "GetShardIterator", "DescribeStream"], "LedgerTable9343E4AAStreamArn"),
        # Lambda asks for it, and it knows no resource.
        (["ListStreams"], "*"),
        (["PutEvents"], "OutletsBus"),
        (["SendMessage"], "OutletsQueuesParked"),
        (["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"], "OutletsQueuesRetry"),
    ],
    "messages": [SCHEDULES, PASSING, (["SendMessage"], "OutletsQueuesFailed")],
    "test_clock": [(["PutEvents"], "OutletsBus")],
}
WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
STATE = ("MEMBER#*", "IDENTITY#*", "LOGIN#*", "CATALOG", "STOCK#*", "CARD#*", "GUESS#*")
# Sums and lists, of what waits for an operator too: nothing that an entry could not tell again, but for the code that a member
# shows. Who was seen with what, and the mail domains that an operator names, are in no entry either, and move no points.
COUNTERS = ("CHARITY#*", "APPROVALS", "BUDGET#*", "REFERRER#*", "FUNNEL#*", "FLAGS", "CAMPAIGN#*", "RUNS")
BESIDE = ("FINGERPRINT#*", "DISPOSABLE", "MESSAGE#*")
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
    "bonuses",
    "messages",
)
READS_INDEXES = {"history": READS_HISTORIES, "ranking": ("referrals",), "alarms": ("bonuses",), "roster": ("bonuses",)}
EVERY_FUNCTION = [*MAY_ON_THE_TABLE, "events", "openapi"]


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
    for index, readers in READS_INDEXES.items():
        assert may([one for one in statements if is_index(one, index)]) == (query if function in readers else [])
    assert {one["Effect"] for one in statements} == {"Allow"}


@pytest.mark.parametrize("function", MAY_ON_THE_TABLE)
def test_a_limit_to_keys_holds_also_when_a_request_names_none(dev: Synthesized, function: str) -> None:
    for statement in dev.role(function)["table"]:
        condition = statement.get("Condition", {})
        assert ("ForAllValues:StringLike" in condition) == ("Null" in condition)
        assert condition.get("Null", {"dynamodb:LeadingKeys": "false"}) == {"dynamodb:LeadingKeys": "false"}


@pytest.mark.parametrize("function", EVERY_FUNCTION)
def test_a_role_holds_exactly_its_powers_beside_the_table(dev: Synthesized, function: str) -> None:
    statements = dev.role(function).get("powers", [])
    expected = MAY_BESIDE_THE_TABLE.get(function, [])
    assert [[action.split(":")[1] for action in listed(one["Action"])] for one in statements] == [one for one, _ in expected]
    for statement, (_, resource) in zip(statements, expected, strict=True):
        assert resource in str(statement["Resource"])
        assert isinstance(statement["Resource"], dict | str)
    assert {one["Effect"] for one in statements} <= {"Allow"}


@pytest.mark.parametrize("function", ["campaigns", "messages"])
def test_the_role_of_schedules_is_passed_to_the_scheduler_only(prod: Synthesized, function: str) -> None:
    [passing] = [one for one in prod.role(function)["powers"] if one["Action"] == "iam:PassRole"]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}


def test_mail_is_sent_in_the_senders_name_only(synth: Synth, prod: Synthesized) -> None:
    [sending] = [
        one for one in synth("prod", sender="club@shop.example").role("messages")["powers"] if one["Action"] == "ses:SendEmail"
    ]
    assert sending["Condition"] == {"StringEquals": {"ses:FromAddress": "club@shop.example"}}
    allowed = [one["Fn::Join"][1][-1] for one in sending["Resource"]]
    assert allowed == [":identity/club@shop.example", ":identity/shop.example", ":template/*"]
    for function in prod.functions():
        assert "ses:" not in str(prod.role(function))


@pytest.mark.parametrize("function", [name for name in EVERY_FUNCTION if name != "test_clock"])
def test_production_roles_are_those_of_dev(prod: Synthesized, dev: Synthesized, function: str) -> None:
    on_prod, on_dev = prod.role(function), dev.role(function)
    on_prod.pop("key", None)
    assert str(on_prod).replace("-prod-", "-dev-").replace("/laurel-prod/", "/laurel-dev/") == str(on_dev)


@pytest.mark.parametrize("function", EVERY_FUNCTION)
def test_local_roles_lack_what_the_local_cloud_does_not_know_and_nothing_else(
    local: Synthesized, synth: Synth, function: str
) -> None:
    expected = deepcopy(synth("dev", sender="club@shop.example").role(function))
    del expected["traces"]
    for statement in expected.get("table", []):
        # The partition keys of a request.
        statement.get("Condition", {}).pop("Null", None)
    for statement in expected.get("powers", []):
        # Who a mail is from.
        if statement["Action"] == "ses:SendEmail":
            del statement["Condition"]
            statement["Resource"] = "*"
    # The group of a schedule.
    known = str(expected).replace("schedule/laurel-dev/*", "schedule/default/*")
    assert str(local.role(function)).replace("-local-", "-dev-") == known


@pytest.mark.parametrize("function", EVERY_FUNCTION)
def test_a_role_writes_to_its_own_log_group_only(dev: Synthesized, function: str) -> None:
    (statement,) = dev.role(function)["logs"]
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    own = dev.functions()[function]["LoggingConfig"]["LogGroup"]["Ref"]
    assert statement["Resource"] == {"Fn::GetAtt": [own, "Arn"]}


def test_the_document_function_reaches_no_table(prod: Synthesized) -> None:
    assert set(prod.role("openapi")) == {"logs", "traces"}


def test_no_role_has_a_wildcard_but_where_nothing_can_be_named(prod: Synthesized, dev: Synthesized) -> None:
    for stage in (prod, dev):
        for function in stage.functions():
            for policy, statements in stage.role(function).items():
                for one in statements:
                    assert "*" not in "".join(listed(one["Action"]))
                    assert ("*" in str(one["Resource"])) == (policy == "traces" or is_unnamed(one))
    (traces,) = prod.role("earning")["traces"]
    assert traces["Action"] == ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]


def is_unnamed(statement: dict[str, Any]) -> bool:
    """Schedules that are still to come, and the list of all streams, which knows no resource."""
    return statement["Action"] == "dynamodb:ListStreams" or "scheduler:CreateSchedule" in statement["Action"]


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
        writes = any(WRITES.intersection(actions) for actions, _ in MAY_ON_THE_TABLE.get(function, []))
        assert ("kms:GenerateDataKey" in statement["Action"]) == writes
        assert {"kms:Decrypt", "kms:DescribeKey"} <= set(statement["Action"])
        assert "LedgerKey" in str(statement["Resource"])
        via = statement["Condition"]["StringEquals"]["kms:ViaService"]
        assert via == {"Fn::Join": ["", ["dynamodb.", {"Ref": "AWS::Region"}, ".amazonaws.com"]]}


def test_without_the_customers_key_no_role_names_one(synth: Synth) -> None:
    stage = synth("prod", customer_key="false")
    assert all("key" not in stage.role(function) for function in stage.functions())


def test_only_lambda_takes_on_a_functions_role_and_each_function_has_its_own(prod: Synthesized) -> None:
    own = {one["Role"]["Fn::GetAtt"][0] for one in prod.functions().values()}
    assert len(own) == len(prod.functions())
    others = {}
    for name, role in prod.of_type("IAM::Role").items():
        (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        if name in own:
            assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
        else:
            # Not for another account, and not for another group of schedules.
            others[trust["Principal"]["Service"]] = set(trust["Condition"]["StringEquals"])
            assert trust["Condition"]["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert others == {
        "states.amazonaws.com": {"aws:SourceAccount"},
        "scheduler.amazonaws.com": {"aws:SourceAccount", "aws:SourceArn"},
    }
    assert prod.of_type("IAM::Policy") == {}


def test_schedules_call_the_two_functions_that_are_scheduled_and_nothing_else(prod: Synthesized) -> None:
    [role] = [one for name, one in prod.of_type("IAM::Role").items() if name.startswith("OutletsScheduleRole")]
    [policy] = role["Properties"]["Policies"]
    calling, failing = policy["PolicyDocument"]["Statement"]
    assert calling["Action"] == "lambda:InvokeFunction"
    called = [one["Fn::Join"][1][-1] for one in calling["Resource"]]
    assert called == [":function:laurel-prod-bonuses", ":function:laurel-prod-messages"]
    assert failing["Action"] == "sqs:SendMessage"
    assert "OutletsQueuesFailed" in str(failing["Resource"])


def test_the_machine_calls_one_function_reads_lists_and_starts_itself(prod: Synthesized) -> None:
    [role] = [one for name, one in prod.of_type("IAM::Role").items() if name.startswith("OutletsCampaignsRole")]
    policies = {one["PolicyName"]: one["PolicyDocument"]["Statement"] for one in role["Properties"]["Policies"]}
    assert set(policies) == {"worker", "children", "lists", "logs", "traces"}
    [calling] = policies["worker"]
    assert calling["Action"] == "lambda:InvokeFunction"
    assert calling["Resource"]["Fn::Join"][1][-1] == ":function:laurel-prod-bonuses"
    starting, watching = policies["children"]
    assert starting["Action"] == "states:StartExecution"
    assert starting["Resource"]["Fn::Join"][1][-1] == ":stateMachine:laurel-prod-campaigns"
    assert watching["Action"] == ["states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"]
    watched = [one["Fn::Join"][1][-1] for one in watching["Resource"]]
    assert watched == [":execution:laurel-prod-campaigns:*", ":execution:laurel-prod-campaigns/*:*"]
    reading, writing = policies["lists"]
    assert reading["Action"] == "s3:GetObject"
    assert writing["Action"] == ["s3:PutObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"]
    assert writing["Resource"]["Fn::Join"][1][-1] == "/results/*"
