"""Warehouses: a target as it is kept, and the people whose contacts leave for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User

from contacts.identity.settings import forget_settings
from contacts.identity.types import STANDARD
from contacts.models import ExportTarget, TargetKind
from tests.people import Stage, set_up_account


@pytest.fixture(autouse=True)
def secrets_key(settings: Any) -> None:
    """Secrets can be kept."""
    settings.SECRETS_KEY = [Fernet.generate_key().decode()]


@pytest.fixture
def stage(db: None) -> Iterator[Stage]:
    """Nobody is there yet; the account has its custom fields."""
    set_up_account(STANDARD)
    forget_settings()
    yield Stage()
    forget_settings()


@pytest.fixture
def olena(db: None) -> User:
    return User.objects.create_user("olena", email="olena@company.example")


@pytest.fixture
def have_target(olena: User) -> Callable[..., ExportTarget]:
    """``have_target(every_minutes=5)``: a target as it is kept; nobody connects to it yet."""

    def make(**chosen: Any) -> ExportTarget:
        kept = {"name": "Company", "kind": TargetKind.POSTGRESQL, "owner": olena, "settings": {"schema": "cardfile"}}
        return ExportTarget.objects.create(**{**kept, **chosen})

    return make
