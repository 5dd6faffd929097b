"""What one sees when something is not there, not allowed, or broken: a sentence and a way on."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client, RequestFactory
from django.urls import reverse

from crm.api import pages
from crm.roles import set_role

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("address", ["nowhere/", "contacts/nowhere/"])
def test_an_address_of_nothing_shows_the_frame_and_a_way_on(admin_client: Any, address: str) -> None:
    answer = admin_client.get(reverse("admin:index") + address)

    page = answer.content.decode()
    assert answer.status_code == 404
    assert "There is nothing here." in page
    assert "To the dashboard" in page
    assert "nav-sidebar" in page


def test_our_own_words_of_what_is_missing_are_said(admin_client: Any) -> None:
    answer = admin_client.get(reverse("admin:segments_segment_members", args=[7_000_000]))

    assert answer.status_code == 404
    assert "There is no such segment." in answer.content.decode()


@pytest.mark.parametrize("raised", [Http404("No Contact matches the given query."), Http404({"tried": []}), Http404()])
def test_words_that_are_for_nobody_are_left_out(raised: Http404) -> None:
    assert pages.reason_of(raised) == ""


def test_who_may_not_is_told_whom_to_ask(client: Any) -> None:
    nina = User.objects.create_user("nina")
    set_role(nina, "marketer")
    client.force_login(nina)

    answer = client.get(reverse("admin:procrastinate_procrastinatejob_changelist"))

    page = answer.content.decode()
    assert answer.status_code == 403
    assert "Ask an administrator" in page
    assert "To the contacts" in page
    assert "Background work" not in page


def test_who_is_not_signed_in_sees_no_frame(client: Any) -> None:
    answer = client.get("/nowhere/")

    page = answer.content.decode()
    assert answer.status_code == 404
    assert "There is nothing here." in page
    assert "nav-sidebar" not in page
    assert "unsafe" not in answer["Content-Security-Policy"]


def test_a_form_of_an_old_session_says_that_nothing_was_saved(admin_user: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)

    answer = client.post(reverse("admin:contacts_dailyfigure_refresh"))

    assert answer.status_code == 403
    assert "Nothing was saved." in answer.content.decode()


def test_a_failure_of_ours_asks_nothing_of_the_database(rf: RequestFactory, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        answer = pages.server_error(rf.get("/admin/"))

    assert answer.status_code == 500
    assert "It has been logged." in answer.content.decode()


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (lambda request: pages.bad_request(request, ValueError()), 400),
        (lambda request: pages.permission_denied(request, PermissionDenied()), 403),
        (lambda request: pages.page_not_found(request, Http404()), 404),
        (lambda request: pages.server_error(request), 500),
    ],
)
def test_other_systems_are_answered_in_their_shape(rf: RequestFactory, answer: Any, status: int) -> None:
    found = answer(rf.get("/api/v1/nowhere"))

    assert found.status_code == status
    assert found["Content-Type"].startswith("application/json")
