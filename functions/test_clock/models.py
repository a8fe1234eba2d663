"""Requests and answers of the test clock."""

from shared.api.fields import Answer, Instant, Request


class ClockRequest(Request):
    """Where the clock is to stand from now on."""

    now: Instant


class ClockAnswer(Answer):
    """The stage's time. `is_set` false: it is real time and runs; true: it stands until it is set again."""

    now: Instant
    is_set: bool
