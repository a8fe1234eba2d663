"""The bucket of members' lists: who is meant by a campaign that names its members one by one."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.stages import Stage

KEPT_DAYS = 90


class MemberLists(Construct):
    """Private, encrypted, over TLS only; lists are forgotten after a while, as is what their runs wrote beside them."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            encryption=s3.BucketEncryption.S3_MANAGED,
            # The local cloud speaks plain HTTP.
            enforce_ssl=not stage.local,
            minimum_tls_version=None if stage.local else 1.2,
            lifecycle_rules=[
                s3.LifecycleRule(expiration=Duration.days(KEPT_DAYS), abort_incomplete_multipart_upload_after=Duration.days(1))
            ],
            removal_policy=RemovalPolicy.RETAIN if stage.retained else RemovalPolicy.DESTROY,
        )
