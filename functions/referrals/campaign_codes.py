"""Use case: a campaign gets a code."""

from dataclasses import dataclass

from shared.domain.code import spoken
from shared.domain.errors import CampaignUnknownError
from shared.domain.referral_code import choose_referral_code
from shared.ports import Programs, ReferralCodes


@dataclass(frozen=True, slots=True)
class CampaignCode:
    """A campaign's code as it is shown, and the share link with it; None where the program has none."""

    campaign: str
    shown: str
    link: str | None


def give_code(campaign: str, text: str | None, *, codes: ReferralCodes, programs: Programs) -> CampaignCode:
    """A code of a campaign: the chosen one, any number of them; or one that is made, the same each time.

    The campaign may be one that begins later. Raises CampaignUnknownError, ReferralCodeInvalidError, ReferralCodeTakenError,
    TryAgainError.
    """
    versions = programs.latest()
    terms = versions[-1].program.referral if versions else None
    if terms is None or terms.campaign(campaign) is None:
        raise CampaignUnknownError
    code = codes.for_campaign(campaign, text)
    shown = spoken(code) if text is None else choose_referral_code(text).shown
    return CampaignCode(campaign, shown, terms.link_for(shown))
