"""Which mailbox an e-mail address leads to, where a provider lets one mailbox have many addresses.

Only what providers document: dots that Gmail ignores, suffixes after `+` (Yahoo: after `-`), and their other domains. Anything
else keeps its address: two people at a company's domain may differ by a dot.
"""

from dataclasses import dataclass

DOMAIN_PARTS_MIN = 2
"""A domain of mail has at least a name and a top level."""
DOMAINS_MAX = 5
"""Domains of one address that are looked up."""


@dataclass(frozen=True, slots=True)
class _Provider:
    """What of a local part leads to the mailbox: up to `tag`, without `ignored`; at `domain`."""

    domain: str
    tag: str = "+"
    ignored: str = ""


_GMAIL = _Provider("gmail.com", ignored=".")
_PROTON = _Provider("proton.me", ignored=".-_")
_YANDEX = _Provider("yandex.ru")
_PROVIDERS = {
    "gmail.com": _GMAIL,
    "googlemail.com": _GMAIL,
    "proton.me": _PROTON,
    "protonmail.com": _PROTON,
    "protonmail.ch": _PROTON,
    "pm.me": _PROTON,
    "icloud.com": _Provider("icloud.com"),
    "me.com": _Provider("icloud.com"),
    "mac.com": _Provider("icloud.com"),
    "fastmail.com": _Provider("fastmail.com"),
    "yandex.ru": _YANDEX,
    "yandex.com": _YANDEX,
    "ya.ru": _YANDEX,
    **{name: _Provider(name) for name in ("msn.com", "zoho.com", "hey.com", "fastmail.fm")},
}
_TAGS = {"outlook": "+", "hotmail": "+", "live": "+", "yahoo": "-", "ymail": "-", "rocketmail": "-"}
"""Where tags begin at providers that have a domain in many countries; two of these domains are two mailboxes."""


def mailbox_of(email: str) -> str:
    """The address that all addresses of a mailbox share; `email` is in lower case, as profiles keep it."""
    local, _, domain = email.rpartition("@")
    provider = _PROVIDERS.get(domain)
    if provider is None and (tag := _TAGS.get(domain.partition(".")[0])):
        provider = _Provider(domain, tag)
    if provider is None:
        return email
    kept = local.partition(provider.tag)[0].translate({ord(symbol): None for symbol in provider.ignored})
    return f"{kept or local}@{provider.domain}"


def domains_of(email: str) -> tuple[str, ...]:
    """The domain of an address and those above it, the top level left out: an operator may name any of them.

    Of a deep one the shortest DOMAINS_MAX: whoever owns a domain makes as many under it as they like.
    """
    parts = email.rpartition("@")[2].split(".")
    return tuple(".".join(parts[start:]) for start in range(len(parts) - DOMAIN_PARTS_MIN + 1))[-DOMAINS_MAX:]
