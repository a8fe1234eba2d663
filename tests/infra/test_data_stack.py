"""What must never be lost, and who may sign in."""

from typing import Any

import pytest

from shared.adapters.dynamodb.table import create_table_arguments
from tests.infra.conftest import Resource, Synth, Synthesized

pytestmark = pytest.mark.infra

POOL_KINDS = ("Cognito::UserPool", "DynamoDB::Table", "S3::Bucket")


def index_of(stage: Synthesized, name: str) -> Resource:
    indexes = stage.only("DynamoDB::Table")["Properties"]["GlobalSecondaryIndexes"]
    [found] = [one for one in indexes if one["IndexName"] == name]
    return dict(found)


def clients(stage: Synthesized) -> dict[str, dict[str, Any]]:
    found = stage.of_type("Cognito::UserPoolClient").items()
    names = {"MembersPoolApp": "member", "StaffPoolOperator": "operator", "StaffPoolPos": "pos"}
    return {names[key[:-8]]: one["Properties"] for key, one in found}


def pool(stage: Synthesized, name: str) -> Resource:
    (found,) = (one for key, one in stage.of_type("Cognito::UserPool").items() if key.startswith(name))
    return found


def scopes(client: dict[str, Any]) -> set[str]:
    return {scope if isinstance(scope, str) else f"laurel{scope['Fn::Join'][1][1]}" for scope in client["AllowedOAuthScopes"]}


def test_the_table_is_on_demand_streamed_and_restorable_on_every_stage(
    prod: Synthesized, dev: Synthesized, local: Synthesized
) -> None:
    for stage in (prod, dev, local):
        table = stage.only("DynamoDB::Table")["Properties"]
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
        recovery = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 35}
        assert table["PointInTimeRecoverySpecification"] == recovery
        assert table["KeySchema"] == [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ]


def test_the_history_index_holds_a_members_entries_in_order(prod: Synthesized) -> None:
    table = prod.only("DynamoDB::Table")["Properties"]
    index = index_of(prod, "history")
    summary = ["kind", "occurred_at", "recorded_at", "recorded_on", "postings", "after", "prev", "effect", "lapsed"]
    assert index == {
        "IndexName": "history",
        "KeySchema": [
            {"AttributeName": "member", "KeyType": "HASH"},
            {"AttributeName": "seq", "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": summary},
    }
    types = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
    assert types == {
        "pk": "S",
        "sk": "S",
        "member": "S",
        "seq": "N",
        "ranked_in": "S",
        "rank": "N",
        "wakes": "S",
        "wake_at": "S",
        "roster": "S",
    }


@pytest.mark.parametrize(
    ("name", "partition", "sort"),
    [("ranking", "ranked_in", "rank"), ("alarms", "wakes", "wake_at"), ("roster", "roster", "pk")],
)
def test_the_sparse_indexes_hold_keys_only(prod: Synthesized, name: str, partition: str, sort: str) -> None:
    assert index_of(prod, name) == {
        "IndexName": name,
        "KeySchema": [
            {"AttributeName": partition, "KeyType": "HASH"},
            {"AttributeName": sort, "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }


def test_lists_of_members_are_private_encrypted_and_forgotten(prod: Synthesized) -> None:
    bucket = prod.only("S3::Bucket")["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    [forgotten] = bucket["LifecycleConfiguration"]["Rules"]
    assert (forgotten["ExpirationInDays"], forgotten["Status"]) == (90, "Enabled")
    refusals = prod.only("S3::BucketPolicy")["Properties"]["PolicyDocument"]["Statement"]
    assert {one["Effect"] for one in refusals} == {"Deny"}
    assert [one["Condition"] for one in refusals] == [
        {"Bool": {"aws:SecureTransport": "false"}},
        {"NumericLessThan": {"s3:TlsVersion": 1.2}},
    ]


def test_the_local_cloud_speaks_plain_http_to_its_bucket_and_queues(local: Synthesized) -> None:
    assert local.of_type("S3::BucketPolicy") == {}
    assert "SecureTransport" not in str(local.service)


def test_a_table_of_an_earlier_release_gets_one_index_at_a_time(synth: Synth, prod: Synthesized) -> None:
    first = synth("prod", index_to_come="roster").only("DynamoDB::Table")["Properties"]["GlobalSecondaryIndexes"]
    then = prod.only("DynamoDB::Table")["Properties"]["GlobalSecondaryIndexes"]
    assert [one["IndexName"] for one in first] == ["history", "ranking", "alarms"]
    assert [one for one in then if one not in first] == [index_of(prod, "roster")]


def test_tests_run_on_the_table_that_is_deployed(prod: Synthesized) -> None:
    deployed, made = prod.only("DynamoDB::Table")["Properties"], create_table_arguments("tests")
    assert made["KeySchema"] == deployed["KeySchema"]
    assert made["GlobalSecondaryIndexes"] == deployed["GlobalSecondaryIndexes"]
    assert {str(one) for one in made["AttributeDefinitions"]} == {str(one) for one in deployed["AttributeDefinitions"]}


def test_points_and_people_outlive_a_deleted_production_stack(prod: Synthesized) -> None:
    kept = [*POOL_KINDS, "KMS::Key"]
    for resource in (one for kind in kept for one in prod.of_type(kind).values()):
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert prod.only("DynamoDB::Table")["Properties"]["DeletionProtectionEnabled"] is True
    for one in prod.of_type("Cognito::UserPool").values():
        assert one["Properties"]["DeletionProtection"] == "ACTIVE"


def test_a_sandbox_leaves_nothing_behind(dev: Synthesized, local: Synthesized) -> None:
    for stage in (dev, local):
        for resource in (one for kind in POOL_KINDS for one in stage.of_type(kind).values()):
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Delete", "Delete")
        assert stage.only("DynamoDB::Table")["Properties"]["DeletionProtectionEnabled"] is False


def test_production_encrypts_with_the_customers_own_rotated_key(prod: Synthesized) -> None:
    key = prod.only("KMS::Key")["Properties"]
    assert (key["EnableKeyRotation"], key["PendingWindowInDays"]) == (True, 30)
    encryption = prod.only("DynamoDB::Table")["Properties"]["SSESpecification"]
    assert (encryption["SSEEnabled"], encryption["SSEType"]) == (True, "KMS")
    assert "LedgerKey" in str(encryption["KMSMasterKeyId"])


def test_the_customers_key_can_be_left_out(synth: Synth) -> None:
    stage = synth("prod", customer_key="false")
    assert stage.of_type("KMS::Key") == {}
    # Encrypted all the same, with a key that AWS owns and nobody pays for.
    assert stage.only("DynamoDB::Table")["Properties"]["SSESpecification"] == {"SSEEnabled": False}


def test_members_sign_themselves_up_and_staff_never(prod: Synthesized) -> None:
    members, staff = pool(prod, "Members")["Properties"], pool(prod, "Staff")["Properties"]
    assert members["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is False
    assert staff["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True


def test_production_staff_must_bring_an_authenticator(prod: Synthesized, dev: Synthesized) -> None:
    staff = pool(prod, "Staff")["Properties"]
    assert (staff["MfaConfiguration"], staff["EnabledMfas"]) == ("ON", ["SOFTWARE_TOKEN_MFA"])
    assert pool(dev, "Staff")["Properties"]["MfaConfiguration"] == "OFF"
    members = pool(prod, "Members")["Properties"]
    assert (members["MfaConfiguration"], members["EnabledMfas"]) == ("OPTIONAL", ["SOFTWARE_TOKEN_MFA"])


def test_each_client_can_get_its_own_scope_and_no_other(prod: Synthesized) -> None:
    assert {name: scopes(client) for name, client in clients(prod).items()} == {
        "member": {"openid", "laurel/member"},
        "operator": {"openid", "laurel/operator"},
        "pos": {"laurel/pos"},
    }


def test_people_use_the_code_flow_without_a_secret_and_tills_client_credentials(prod: Synthesized) -> None:
    flows = {name: (one["AllowedOAuthFlows"], one["GenerateSecret"]) for name, one in clients(prod).items()}
    assert flows == {
        "member": (["code"], False),
        "operator": (["code"], False),
        "pos": (["client_credentials"], True),
    }


def test_clients_belong_to_the_pool_of_their_people(prod: Synthesized) -> None:
    pools = {name: str(one["UserPoolId"]) for name, one in clients(prod).items()}
    assert "MembersPool" in pools["member"]
    assert "StaffPool" in pools["operator"]
    assert pools["operator"] == pools["pos"]


def test_callbacks_are_the_shops_own_where_given(synth: Synth) -> None:
    stage = synth("prod", operator_callbacks="https://office.example/in")
    assert clients(stage)["operator"]["CallbackURLs"] == ["https://office.example/in"]
    assert clients(stage)["member"]["CallbackURLs"] == ["http://localhost:8400/callback"]


def test_a_shop_with_its_own_issuers_has_no_pools(synth: Synth) -> None:
    stage = synth(
        "prod",
        member_issuer="https://members.example",
        member_audience="app",
        staff_issuer="https://staff.example",
        staff_audience="api",
    )
    assert stage.of_type("Cognito::UserPool") == {}
    trusted = {
        one["Properties"]["Name"]: one["Properties"]["JwtConfiguration"]
        for one in stage.of_type("ApiGatewayV2::Authorizer").values()
    }
    assert trusted == {
        "members": {"Issuer": "https://members.example", "Audience": ["app"]},
        "staff": {"Issuer": "https://staff.example", "Audience": ["api"]},
    }
    assert set(stage.service["Outputs"]) == {"ApiUrl", "TableName", "BusName", "ListsBucket"}


def test_each_named_till_has_a_client_of_its_own(synth: Synth) -> None:
    stage = synth("prod", tills="north,south")
    names = {key[: -len("12345678")] for key in stage.of_type("Cognito::UserPoolClient")}
    assert {"StaffPoolPos", "StaffPoolPosNorth", "StaffPoolPosSouth"} <= names
    [staff] = (
        one["Properties"] for one in stage.of_type("ApiGatewayV2::Authorizer").values() if one["Properties"]["Name"] == "staff"
    )
    assert len(staff["JwtConfiguration"]["Audience"]) == 4
    assert {"PosClientIdNorth", "PosClientIdSouth"} <= set(stage.service["Outputs"])
