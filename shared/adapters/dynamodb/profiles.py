"""Profiles as items of the table."""

from datetime import date

from shared.adapters.dynamodb.items import Item, alarm_attributes, alarm_of, instant_of
from shared.adapters.dynamodb.table import ROSTER_PARTITION, profile_key, roster_partition
from shared.domain.alarm import shard_of
from shared.domain.calendar import instant_text
from shared.domain.entry import MemberId
from shared.domain.fingerprint import Fingerprint, FingerprintKind
from shared.domain.member import Consent, Login, Profile


def profile_item(profile: Profile) -> Item:
    """A profile's whole item."""
    login = profile.login
    return {
        **profile_key(profile.member),
        "customer_id": profile.customer_id,
        "enrolled_at": instant_text(profile.enrolled_at),
        "version": profile.version,
        "closed_at": instant_text(profile.closed_at) if profile.closed_at else None,
        "merged_into": profile.merged_into,
        "email": profile.email,
        "phone": profile.phone,
        "birth_date": profile.birth_date.isoformat() if profile.birth_date else None,
        "time_zone": profile.time_zone,
        "locale": profile.locale,
        "login": {"issuer": login.issuer, "subject": login.subject} if login else None,
        "consents": {
            purpose: {"granted": consent.granted, "at": instant_text(consent.at)}
            for purpose, consent in profile.consents.items()
        },
        "attributes": dict(profile.attributes),
        "seen_with": [[fingerprint.kind, fingerprint.value] for fingerprint in profile.seen_with],
        **_indexed(profile),
    }


def _indexed(profile: Profile) -> Item:
    """What puts a profile into the roster, and into the index of alarms; whoever left is in neither."""
    if profile.closed_at is not None:
        return {}
    return {ROSTER_PARTITION: roster_partition(shard_of(profile.member)), **alarm_attributes(profile.member, profile.alarm)}


def profile_of(item: Item) -> Profile:
    """The profile that an item holds."""
    return Profile(
        member=MemberId(item["pk"].removeprefix("MEMBER#")),
        customer_id=item["customer_id"],
        enrolled_at=instant_of(item["enrolled_at"]),
        version=int(item["version"]),
        closed_at=instant_of(item["closed_at"]) if item["closed_at"] else None,
        merged_into=MemberId(item["merged_into"]) if item.get("merged_into") else None,
        email=item["email"],
        phone=item["phone"],
        birth_date=date.fromisoformat(item["birth_date"]) if item["birth_date"] else None,
        time_zone=item["time_zone"],
        locale=item["locale"],
        login=Login(**item["login"]) if item["login"] else None,
        consents={
            purpose: Consent(consent["granted"], instant_of(consent["at"])) for purpose, consent in item["consents"].items()
        },
        attributes={name: value if isinstance(value, str | bool) else int(value) for name, value in item["attributes"].items()},
        seen_with=tuple(Fingerprint(FingerprintKind(kind), value) for kind, value in item.get("seen_with", ())),
        alarm=alarm_of(item),
    )
