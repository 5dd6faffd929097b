"""What others trusted us with is unreadable without the key, and keys can be changed."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet

from crm.secrets import KeyMissing, KeyUnusable, SecretUnreadable, can_keep_secrets, decrypt, encrypt, renew

PASSWORD = "postgresql://olena:пароль@warehouse.example.com/company"


def new_key() -> str:
    return Fernet.generate_key().decode()


def test_a_secret_is_read_back_as_it_was(settings: Any) -> None:
    settings.SECRETS_KEY = [new_key()]
    kept = encrypt(PASSWORD)
    assert decrypt(kept) == PASSWORD
    assert b"olena" not in kept


def test_the_same_secret_looks_different_each_time(settings: Any) -> None:
    settings.SECRETS_KEY = [new_key()]
    assert encrypt(PASSWORD) != encrypt(PASSWORD)


def test_a_new_key_before_the_old_one_reads_what_the_old_one_wrote(settings: Any) -> None:
    old, new = new_key(), new_key()
    settings.SECRETS_KEY = [old]
    kept = encrypt(PASSWORD)
    settings.SECRETS_KEY = [new, old]
    assert decrypt(kept) == PASSWORD
    settings.SECRETS_KEY = [new]
    with pytest.raises(SecretUnreadable):
        decrypt(kept)


def test_a_secret_that_was_renewed_needs_the_old_key_no_more(settings: Any) -> None:
    old, new = new_key(), new_key()
    settings.SECRETS_KEY = [old]
    kept = encrypt(PASSWORD)
    settings.SECRETS_KEY = [new, old]
    kept = renew(kept)
    settings.SECRETS_KEY = [new]
    assert decrypt(kept) == PASSWORD


def test_without_a_key_nothing_is_kept_and_the_sentence_says_how_to_make_one(settings: Any) -> None:
    settings.SECRETS_KEY = []
    assert not can_keep_secrets()
    with pytest.raises(KeyMissing, match=r"Fernet\.generate_key"):
        encrypt(PASSWORD)


@pytest.mark.parametrize("key", ["short", "ключ", "x" * 44, "=" * 44])
def test_what_is_no_key_is_told(settings: Any, key: str) -> None:
    settings.SECRETS_KEY = [key]
    with pytest.raises(KeyUnusable, match="SECRETS_KEY"):
        encrypt(PASSWORD)


@pytest.mark.parametrize("kept", [b"", b"nothing", b"\xff\x00"])
def test_what_was_never_encrypted_is_told(settings: Any, kept: bytes) -> None:
    settings.SECRETS_KEY = [new_key()]
    with pytest.raises(SecretUnreadable):
        decrypt(kept)
