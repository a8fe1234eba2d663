"""The server's own clock. The only place that asks the machine for the time."""

from datetime import UTC, datetime


class SystemClock:
    """Real time, in UTC."""

    def now(self) -> datetime:
        """The instant of the call."""
        return datetime.now(UTC)
