"""The back office as a person uses it: open a sheet, type into it, press save."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from contacts.identity.settings import forget_settings
from contacts.models import Contact
from crm.roles import set_role
from tests.people import Stage, Step


@pytest.fixture
def stage(db: None) -> Any:
    """Nobody is there yet."""
    forget_settings()
    yield Stage()
    forget_settings()


@pytest.fixture
def play(stage: Stage) -> Callable[..., Stage]:
    """``play(have("olena", …))``: what happened before the test begins."""

    def run(*steps: Step) -> Stage:
        for step in steps:
            step(stage)
        return stage

    return run


@pytest.fixture
def auditor(db: None) -> Client:
    """The browser of somebody who may look at everything and change nothing."""
    user = get_user_model().objects.create_user("auditor", is_staff=True)
    set_role(user, "auditor")
    client = Client()
    client.force_login(user)
    return client


@dataclass
class Sheet:
    """One person's browser tab with a sheet, or with the empty one; its form is kept until it is opened again."""

    client: Any
    contact_id: int | None = None
    values: dict[str, Any] = field(default_factory=dict)
    answer: Any = None

    @property
    def url(self) -> str:
        if self.contact_id is None:
            return reverse("admin:contacts_contact_add")
        return reverse("admin:contacts_contact_change", args=[self.contact_id])

    def open(self) -> Sheet:
        self.answer = self.client.get(self.url)
        assert self.answer.status_code == 200, self.answer
        return self._read_form()

    def save(self, changes: Mapping[str, Any] | None = None, **typed: Any) -> Sheet:
        """Type and save. Names with a dot go into ``changes``."""
        self.values |= {**(changes or {}), **typed}
        self.answer = self.client.post(self.url, {**self.values, "_continue": "1"})
        if self.answer.status_code == 200:
            self._read_form()
        return self

    def _read_form(self) -> Sheet:
        form = self.answer.context["adminform"].form
        self.values = {name: form[name].value() for name in form.fields}
        self.values = {name: "" if value is None else value for name, value in self.values.items()}
        return self

    @property
    def was_saved(self) -> bool:
        return self.answer.status_code == 302

    @property
    def errors(self) -> dict[str, list[str]]:
        return {name: list(map(str, found)) for name, found in self.answer.context["adminform"].form.errors.items()}

    @property
    def messages(self) -> list[str]:
        return [str(message) for message in self.client.get(self.answer.url).context["messages"]]

    @property
    def contact(self) -> Contact:
        return Contact.objects.get(pk=self.contact_id)


@pytest.fixture
def open_sheet(admin_client: Any, stage: Stage) -> Callable[..., Sheet]:
    """``open_sheet("olena")``, or with nobody's name the sheet to add somebody."""

    def open_(name: str | None = None, client: Any = None) -> Sheet:
        return Sheet(client or admin_client, stage.ids[name] if name else None).open()

    return open_
