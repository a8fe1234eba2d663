"""Mailboxes: the addresses that a provider lets one mailbox have are one; all others stay two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.mailbox import domains_of, mailbox_of


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("ada.lovelace@gmail.com", "adalovelace@gmail.com"),
        ("a.d.a.lovelace+shop@gmail.com", "adalovelace@gmail.com"),
        ("adalovelace@googlemail.com", "adalovelace@gmail.com"),
        ("ada.lovelace+a+b@googlemail.com", "adalovelace@gmail.com"),
        ("ada-lovelace@gmail.com", "ada-lovelace@gmail.com"),
        ("ada-shop@yahoo.com", "ada@yahoo.com"),
        ("ada-shop-2@yahoo.de", "ada@yahoo.de"),
        ("ada.lovelace@yahoo.com", "ada.lovelace@yahoo.com"),
        ("ada+shop@yahoo.com", "ada+shop@yahoo.com"),
        ("ada.love-lace_1815+x@proton.me", "adalovelace1815@proton.me"),
        ("adalovelace1815@protonmail.com", "adalovelace1815@proton.me"),
        ("adalovelace1815@protonmail.ch", "adalovelace1815@proton.me"),
        ("adalovelace1815@pm.me", "adalovelace1815@proton.me"),
        ("ada+shop@me.com", "ada@icloud.com"),
        ("ada@mac.com", "ada@icloud.com"),
        ("a.da+shop@icloud.com", "a.da@icloud.com"),
        ("ada+shop@outlook.com", "ada@outlook.com"),
        ("a.da+shop@hotmail.com", "a.da@hotmail.com"),
        ("ada+shop@fastmail.com", "ada@fastmail.com"),
        ("ada+shop@ya.ru", "ada@yandex.ru"),
    ],
)
def test_all_addresses_that_lead_to_a_mailbox_are_one(address: str, mailbox: str) -> None:
    assert mailbox_of(address) == mailbox
    assert mailbox_of(mailbox) == mailbox


@pytest.mark.parametrize(
    "address",
    [
        *("a.da+shop@example.com", "ada-shop@example.com", "ada@mail.gmail.com", "ada@gmail.co", "ada@notgmail.com"),
        *("a.da@web.de", "ada+shop@company.museum"),
    ],
)
def test_an_address_of_any_other_provider_is_a_mailbox_of_its_own(address: str) -> None:
    assert mailbox_of(address) == address


def test_two_people_at_one_provider_never_share_a_mailbox() -> None:
    assert mailbox_of("ada@hotmail.com") != mailbox_of("ada@outlook.com") != mailbox_of("ada@live.com")
    assert mailbox_of("ada@yahoo.com") != mailbox_of("ada@yahoo.de")


@pytest.mark.parametrize("address", ["+shop@gmail.com", "...@gmail.com", "-shop@yahoo.com", "+@outlook.com"])
def test_an_address_that_is_nothing_but_a_tag_keeps_it(address: str) -> None:
    assert mailbox_of(address) == address


@given(
    st.text(alphabet="abc.+-_1", min_size=1, max_size=12),
    st.sampled_from(["gmail.com", "googlemail.com", "yahoo.com", "pm.me", "me.com", "example.com"]),
)
def test_the_mailbox_of_a_mailbox_is_itself_and_never_empty(local: str, domain: str) -> None:
    mailbox = mailbox_of(f"{local}@{domain}")
    assert not mailbox.startswith("@")
    assert mailbox_of(mailbox) == mailbox


@pytest.mark.parametrize(
    ("address", "domains"),
    [
        ("ada@example.com", ("example.com",)),
        ("ada@mail.example.co.uk", ("mail.example.co.uk", "example.co.uk", "co.uk")),
        # Whoever owns a domain makes as many under it as they like: the five that cost something are looked up.
        ("ada@a.b.c.d.e.f.g.com", ("c.d.e.f.g.com", "d.e.f.g.com", "e.f.g.com", "f.g.com", "g.com")),
        ("ada@localhost", ()),
    ],
)
def test_an_operator_may_list_a_domain_or_any_above_it_but_no_top_level(address: str, domains: tuple[str, ...]) -> None:
    assert domains_of(address) == domains
