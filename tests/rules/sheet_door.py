"""The door for people: the contact's sheet in the admin, filled in and sent as a browser would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from contacts.admin.sheet import SheetForm
from contacts.models import DuplicateCase
from tests.people import Stage
from tests.rules.doors import Told
from tests.rules.row import Act, Row


class Sheet:
    """The form that changes or adds one contact, and the buttons beside it."""

    name = "sheet"
    verbs: Final = ("delete", "restore", "erase", "undo", "dismiss")

    def can_express(self, row: Row, way: str) -> bool:
        if isinstance(row.send, Act):
            return row.send.verb in self.verbs
        return way == "sheet" and len(row.records) == 1 and "identifiers" not in row.records[0]

    def send(self, row: Row, way: str, stage: Stage) -> Told:
        client = Client()
        client.force_login(get_user_model().objects.create_superuser("admin"))
        if isinstance(row.send, Act):
            return self.act(client, row.send, stage)
        return self.save(client, stage.fill(row.records[0]))

    def save(self, client: Client, record: Mapping[str, Any]) -> Told:
        contact_id = record.get("id")
        path = reverse("admin:contacts_contact_change", args=[contact_id]) if contact_id else self.path_to_add()
        shown = client.get(path)
        assert shown.status_code == 200
        filled = {**self.values_of(shown.context["adminform"].form), **without_id(record)}
        answer = client.post(path, {**filled, "_continue": "1"})
        if answer.status_code == 302:
            return Told(contact_id=int(answer["Location"].rstrip("/").split("/")[-2]))
        errors = answer.context["adminform"].form.errors
        return Told(statuses=["failed"], column=next(iter(errors)))

    def path_to_add(self) -> str:
        return reverse("admin:contacts_contact_add")

    def values_of(self, form: SheetForm) -> dict[str, Any]:
        values = {name: form[name].value() for name in form.fields}
        return {name: "" if value is None else value for name, value in values.items()}

    def act(self, client: Client, act: Act, stage: Stage) -> Told:
        if act.verb == "dismiss":
            for case in DuplicateCase.objects.all():
                self.press(client, "contacts_duplicatecase_dismiss", case.pk)
        elif act.verb == "undo":
            self.press(client, "contacts_merge_undo", stage.merges[act.name])
        else:
            contact_id = stage.ids[act.name]
            self.press(client, f"contacts_contact_{act.verb}", contact_id, post="yes", number=str(contact_id))
        return Told()

    def press(self, client: Client, name: str, pk: int, **values: str) -> None:
        answer = client.post(reverse(f"admin:{name}", args=[pk]), values)
        assert answer.status_code in (302, 404)


def without_id(record: Mapping[str, Any]) -> dict[str, Any]:
    return {column: value for column, value in record.items() if column != "id"}
