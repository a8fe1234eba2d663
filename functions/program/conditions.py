"""What a caller insists on when they change the program: the ETag that they had read (RFC 9110, 13.1)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.errors import PreconditionFailedError
from shared.domain.program import ProgramVersion

_TAG = re.compile(r'(W/)?("[^"]*")')


def etag_of(version: int) -> str:
    """The ETag of a version of the program. The program as a whole has that of its newest version."""
    return f'"{version}"'


@dataclass(frozen=True, slots=True)
class Condition:
    """The headers If-Match (ETags, or `*` for any version) and If-None-Match (`*`: there is none yet); None: no condition."""

    if_match: str | None = None
    if_none_match: str | None = None

    def check(self, kept: Sequence[ProgramVersion]) -> None:
        """Raises PreconditionFailedError where the versions are not as the caller says."""
        etag = etag_of(kept[-1].version) if kept else None
        if not self._holds(etag):
            raise PreconditionFailedError(etag=etag)

    def _holds(self, etag: str | None) -> bool:
        if self.if_none_match is not None and etag is not None:
            return False
        if self.if_match is None:
            return True
        if self.if_match == "*":
            return etag is not None
        # A weak tag vouches for nothing.
        return etag in {tag for weak, tag in _TAG.findall(self.if_match) if not weak}


UNCONDITIONAL = Condition()
"""Whatever is there."""
