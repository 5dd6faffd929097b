"""What tests of exports share: somebody of a role who is signed in, and work beside the test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

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


@pytest.fixture
def in_background(transactional_db: None) -> Callable[..., AbstractContextManager[None]]:
    """``with in_background(work):`` does it in a thread, and waits for its end."""

    @contextmanager
    def run(work: Callable[[], None]) -> Iterator[None]:
        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            thread.join()

    return run
