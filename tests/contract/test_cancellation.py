"""Every way in which a transaction can be cancelled is read in one fixed way."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.adapters.dynamodb.store import BUSY_CODES, Outcome, Result, Store, read_cancellation
from shared.domain.errors import FaultError

NONE, FAILED = "None", "ConditionalCheckFailed"
PASSING = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"]
FAULTS = ["ValidationError", "DuplicateItem", "AccessDenied", "SomethingNew"]
CODES = [NONE, FAILED, *PASSING, *FAULTS]


def cancelled(*codes: str, **response: Any) -> ClientError:
    """A cancelled transaction with one reason for each write."""
    reasons = [{"Code": code} for code in codes]
    answer: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
        "CancellationReasons": reasons,
        **response,
    }
    return ClientError(answer, "TransactWriteItems")


TRIPLES = list(itertools.product(CODES, repeat=3))
"""A purchase writes two items, a closure three and more."""


def test_a_reason_that_no_retry_mends_is_a_fault_whatever_stands_beside_it() -> None:
    for codes in (codes for codes in TRIPLES if set(codes) & set(FAULTS)):
        with pytest.raises(FaultError) as fault:
            read_cancellation(cancelled(*codes))
        assert fault.value.code == ", ".join(sorted(set(codes) & set(FAULTS))), codes


def test_a_conflict_or_throttle_says_nothing_about_the_conditions_beside_it() -> None:
    for codes in (codes for codes in TRIPLES if set(codes) & set(PASSING) and not set(codes) & set(FAULTS)):
        assert read_cancellation(cancelled(*codes)) == Result(Outcome.BUSY), codes


def test_failed_conditions_alone_mean_that_something_changed_and_name_what() -> None:
    for codes in (codes for codes in TRIPLES if FAILED in codes and set(codes) <= {NONE, FAILED}):
        failed = tuple(place for place, code in enumerate(codes) if code == FAILED)
        assert read_cancellation(cancelled(*codes)) == Result(Outcome.STALE, failed), codes


@pytest.mark.parametrize("error", [cancelled(), cancelled(CancellationReasons=[])])
def test_a_cancellation_without_reasons_is_a_fault(error: ClientError) -> None:
    with pytest.raises(FaultError):
        read_cancellation(error)


def test_a_cancellation_whose_every_reason_is_none_is_a_fault() -> None:
    """Nothing names what changed, so no fresh read can be known to mend it."""
    with pytest.raises(FaultError):
        read_cancellation(cancelled(NONE, NONE, NONE))


def test_a_cancellation_is_known_by_its_code_whatever_class_the_sdk_made_of_it() -> None:
    """Two threads that meet a client's first error at once may each get classes of their own."""

    class Cancelling:
        def transact_write_items(self, **_: Any) -> Any:
            raise cancelled(NONE, FAILED)

    store = Store(Cancelling(), "laurel")  # type: ignore[arg-type]
    assert store.transact([]) == Result(Outcome.STALE, (1,))


def test_a_failed_condition_is_never_among_the_codes_that_pass_by_themselves() -> None:
    assert FAILED not in BUSY_CODES
    assert not BUSY_CODES & set(FAULTS)
    assert set(PASSING) <= BUSY_CODES
