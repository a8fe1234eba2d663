"""The stateful stack: the table, lists of members and the user pools, which outlive every deploy of the service."""

from __future__ import annotations

from aws_cdk import IStackSynthesizer, Stack
from constructs import Construct

from infra.constructs.identity import Authority, MemberPool, StaffPool
from infra.constructs.lists import MemberLists
from infra.constructs.table import LedgerTable
from infra.stages import Stage


class DataStack(Stack):
    """What must never be lost: points, and who may sign in.

    A pool is made only where the command line names no issuer to use in its stead.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        synthesizer: IStackSynthesizer | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=stage.stack_name("data"),
            description=f"Laurel {stage.name}: the ledger's table, lists of members and the user pools",
            termination_protection=stage.retained,
            synthesizer=synthesizer,
        )
        self.ledger = LedgerTable(self, "Ledger", stage=stage)
        self.lists = MemberLists(self, "Lists", stage=stage)
        self.members: MemberPool | None = None
        self.staff: StaffPool | None = None
        if stage.member_issuer is None:
            self.members = MemberPool(self, "Members", stage=stage)
            members = self.members.authority
        else:
            members = Authority.of(stage.member_issuer)
        if stage.staff_issuer is None:
            self.staff = StaffPool(self, "Staff", stage=stage)
            staff = self.staff.authority
        else:
            staff = Authority.of(stage.staff_issuer)
        self.authorities = {"members": members, "staff": staff}
