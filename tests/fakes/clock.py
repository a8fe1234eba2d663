"""A clock that stands until a test moves it."""

from __future__ import annotations

from datetime import datetime, timedelta


class FakeClock:
    """Stands at `instant` (aware); tests set it or let time pass."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def now(self) -> datetime:
        """Where it stands."""
        return self.instant

    def advance(self, **by: int) -> datetime:
        """Let time pass: `advance(days=1)`; gives the new time."""
        self.instant += timedelta(**by)
        return self.instant
