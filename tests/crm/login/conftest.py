"""Somebody who signs in as a person would: with a password, and with the codes of an app."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from crm.login import second_factor
from crm.models import Role
from crm.roles import forget_required, set_role

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    """Which roles require two-factor login is remembered for a few seconds."""
    forget_required()
    yield
    forget_required()


def require_two_factor(role: str) -> None:
    Role.objects.filter(key=role).update(two_factor_required=True)
    forget_required()


@pytest.fixture
def make_user(db: None) -> Callable[..., User]:
    """``make_user("olena", role="auditor")``, whose password is PASSWORD."""

    def make(name: str, role: str = "marketer", **fields: Any) -> User:
        user = User.objects.create_user(name, f"{name}@example.com", PASSWORD, **fields)
        set_role(user, role)
        return user

    return make


@pytest.fixture
def olena(make_user: Callable[..., User]) -> User:
    return make_user("olena")


class App:
    """The authenticator app on somebody's phone."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    @classmethod
    def of(cls, spelled: str) -> App:
        """As typed from the page."""
        return cls(base64.b32decode(spelled.replace(" ", "")).hex())

    def code(self) -> str:
        totp = TOTP(bytes.fromhex(self.secret))
        totp.time = time.time()
        return f"{totp.token():06d}"


def give_app(user: User) -> tuple[App, list[str]]:
    """The user has two-factor login: the app, and the recovery codes. The first code counts as used long ago."""
    app = App(second_factor.new_secret())
    codes = second_factor.set_up(user, app.secret, app.code())
    assert codes
    TOTPDevice.objects.filter(user=user).update(last_t=-1)
    return app, codes


def sign_in(client: Client, name: str, password: str = PASSWORD, **extra: Any) -> Any:
    return client.post(reverse("admin:login"), {"username": name, "password": password}, **extra)


def type_code(client: Client, code: str) -> Any:
    return client.post(reverse("admin:login_code"), {"code": code})


def is_in(client: Client) -> bool:
    return client.get(reverse("admin:account")).status_code == 200
