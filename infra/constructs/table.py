"""The one table that holds points, with the key that encrypts it."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.stages import Stage
from shared.adapters.dynamodb.table import (
    ALARM_AT,
    ALARM_INDEX,
    ALARM_PARTITION,
    HISTORY_INDEX,
    HISTORY_PROJECTION,
    RANKING_INDEX,
    ROSTER_INDEX,
    ROSTER_PARTITION,
)

RECOVERY_DAYS = 35


class LedgerTable(Construct):
    """On demand, streamed, restorable to any second of the last 35 days; on prod it survives its stack.

    A plain `Table` and not a `TableV2`: what the latter adds is replicas in other regions, whose
    last-writer-wins would lose points, and transactions hold in one region only. The security checks of
    cdk-nag, besides, know the plain table alone.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        kept = RemovalPolicy.RETAIN if stage.retained else RemovalPolicy.DESTROY
        self.key = self._customer_key(kept) if stage.customer_key else None
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True, recovery_period_in_days=RECOVERY_DAYS
            ),
            deletion_protection=stage.retained,
            removal_policy=kept,
            encryption=(dynamodb.TableEncryption.CUSTOMER_MANAGED if self.key else dynamodb.TableEncryption.DEFAULT),
            encryption_key=self.key,
        )
        self.table.add_global_secondary_index(
            index_name=HISTORY_INDEX,
            partition_key=dynamodb.Attribute(name="member", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="seq", type=dynamodb.AttributeType.NUMBER),
            projection_type=dynamodb.ProjectionType.INCLUDE,
            non_key_attributes=list(HISTORY_PROJECTION),
        )
        # Sparse: tallies of referrals alone have what it sorts by.
        self._keys_index(RANKING_INDEX, "ranked_in", "rank", dynamodb.AttributeType.NUMBER)
        # Sparse too: wallets that wait for a date, and profiles of members who have not left.
        for index, partition, sort in ((ALARM_INDEX, ALARM_PARTITION, ALARM_AT), (ROSTER_INDEX, ROSTER_PARTITION, "pk")):
            if index != stage.index_to_come:
                self._keys_index(index, partition, sort)

    def _keys_index(
        self, name: str, partition: str, sort: str, sorted_as: dynamodb.AttributeType = dynamodb.AttributeType.STRING
    ) -> None:
        self.table.add_global_secondary_index(
            index_name=name,
            partition_key=dynamodb.Attribute(name=partition, type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name=sort, type=sorted_as),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )

    def _customer_key(self, kept: RemovalPolicy) -> kms.Key:
        """A key of the shop's own: it can be withdrawn, and each use is in the trail. One dollar a month."""
        return kms.Key(
            self,
            "Key",
            description="Encrypts Laurel's table",
            enable_key_rotation=True,
            # The longest wait there is: losing the key loses every point.
            pending_window=Duration.days(30),
            removal_policy=kept,
        )
