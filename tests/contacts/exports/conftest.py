"""What tests of exports share: somebody of a role who is signed in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from crm.roles import set_role

SignIn = Callable[[str], Client]


@pytest.fixture
def sign_in(db: None) -> SignIn:
    def sign_in(role: str) -> Client:
        user = User.objects.create_user(role, is_staff=True)
        set_role(user, role)
        client = Client()
        client.force_login(user)
        return client

    return sign_in
