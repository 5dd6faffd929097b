"""A definition put together, saved, opened and changed by a person, in a real browser."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contacts.models import Contact, CustomField, EventType
from segments.catalogue import save_segment
from segments.models import Segment, SegmentType
from tests.segments.builder.conftest import Builder
from tests.segments.deeds import make_event
from tests.segments.people import NOW
from tests.segments.table import TABLE, ask, define
from tests.segments.table_relations import RELATIONS

pytestmark = pytest.mark.django_db(transaction=True)

LVIV = {"all": [ask("town", "is", "Lviv")]}


def test_nested_groups_are_built_saved_opened_again_and_edited(builder: Builder, crowd: Any) -> None:
    page = builder.open().page
    page.get_by_label("Name", exact=False).first.fill("Town folk")

    # 1. A condition, beside it a group of others, and an exclusion.
    builder.ask(builder.node(0), "town", "is one of")
    builder.node(0).locator("[data-part=value]").fill("Lviv")
    builder.press("Enter")
    page.keyboard.type("Lutsk,Київ,")
    builder.press("Enter")
    builder.wait_for_count(3)
    builder.add("Group")
    group = builder.node(1)
    builder.ask(builder.node(0, group), "external", "is empty")
    builder.add("Condition", group)
    builder.ask(builder.node(1, group), "visits", "≥", "10")
    builder.wait_for_count(2)
    page.get_by_role("button", name="Leave some out").click()
    builder.ask(builder.node(0, builder.exclusion), "email state", "is one of")
    builder.exclusion.get_by_label("unsubscribed").check()
    builder.wait_for_count(1)
    page.locator("[data-sentence]").get_by_text("except").wait_for()
    page.locator(".sb-sample").get_by_role("link", name="Olena").wait_for()

    # 2. Saved, and opened as it was.
    expected = {
        "version": 1,
        "match": {
            "all": [
                ask("town", "is_one_of", ["Lviv", "Lutsk", "Київ"]),
                {"any": [ask("external_id", "is_empty"), ask("fields.visits", "at_least", 10)]},
            ]
        },
        "exclude": {"any": [ask("email_state", "is_one_of", ["unsubscribed"])]},
    }
    segment = builder.save()
    assert segment.definition == builder.definition == expected

    # 3. Changed: who joins and who leaves is said before anything is saved.
    builder.open(segment)
    builder.wait_for_count(1)
    page.get_by_text("Nobody joins, nobody leaves.").wait_for()
    builder.node(0).get_by_role("button", name="Remove “Київ”").click()
    builder.exclusion.get_by_role("button", name="Remove this exclusion").click()
    page.locator("[data-side=join]").get_by_role("link", name="Bohdan").wait_for()
    page.locator("[data-side=leave]").get_by_role("link", name="Olena").wait_for()
    segment = builder.save()
    assert segment.definition["match"]["all"][0]["value"] == ["Lviv", "Lutsk"]
    assert "exclude" not in segment.definition


def test_everything_is_done_by_keyboard_alone(builder: Builder, crowd: Any) -> None:
    page = builder.open().page
    page.get_by_label("Name", exact=False).first.focus()
    page.keyboard.type("By keyboard")
    for _ in range(30):
        if builder.focused == "Field: Choose a field":
            break
        builder.press("Tab")

    # 1. A field by searching, an operator, a value.
    builder.press("Enter")
    page.keyboard.type("town")
    builder.press("Enter")
    assert builder.focused == "Value of Town"
    page.keyboard.type("Lviv")
    builder.press("Escape", "Shift+Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab")
    assert builder.focused == "Move condition “Town”"

    # 2. Behind it another one, moved before it; copied, turned round, put into a group, and the copy removed.
    builder.press("a", "Enter")
    page.keyboard.type("email state")
    builder.press("Enter", "Alt+ArrowUp")
    assert [node["field"] for node in builder.match["all"]] == ["town", "email_state"]  # a select opens its list
    builder.press("Escape")
    page.locator("[data-handle]").nth(1).focus()
    builder.press("Alt+ArrowUp")
    assert [node["field"] for node in builder.match["all"]] == ["email_state", "town"]
    page.get_by_role("status").get_by_text("Now 1 of 2 in group “All of these hold”.").wait_for()
    builder.press("ArrowDown")
    assert builder.focused == "Move condition “Town”"
    builder.press("c", "n", "g")
    assert builder.match["all"][1:] == [
        ask("town", "is", "Lviv"),
        {"all": [ask("town", "is", "Lviv", **{"not": True})]},
    ]
    page.locator("[data-handle]").nth(1).focus()
    builder.press("Delete")
    assert len(builder.match["all"]) == 2

    # 3. Undone, done again, and saved.
    builder.press("Control+z")
    assert len(builder.match["all"]) == 3
    builder.press("Control+Shift+z")
    assert len(builder.match["all"]) == 2
    page.locator("[data-handle]").first.focus()
    builder.press("Alt+ArrowDown")
    assert builder.match == {
        "all": [
            {"all": [ask("email_state", "is", "active"), ask("town", "is", "Lviv", **{"not": True})]},
        ]
    }
    assert builder.focused == "Move condition “Email state”"
    builder.wait_for_count(1)
    page.get_by_role("button", name="Save", exact=True).focus()
    builder.press("Enter")
    page.get_by_text("successfully").wait_for()
    assert Segment.objects.filter(name="By keyboard").exists()


def test_enter_in_a_value_does_not_save_the_form(builder: Builder, crowd: Any) -> None:
    builder.open()
    builder.ask(builder.node(0), "visits", "=", "12")
    builder.press("Enter")

    builder.wait_for_count(1)
    assert builder.page.url.endswith("/add/")


def test_a_condition_is_dragged_into_a_group_and_taken_back_by_undo(builder: Builder, crowd: Any) -> None:
    segment = save_segment(
        Segment(
            name="Drag", definition=define({"all": [ask("town", "is", "Lviv"), {"any": [ask("email", "is_empty")]}]})
        )
    )
    page = builder.open(segment).page
    handle, goal = builder.node(0).locator("[data-handle]").first, builder.node(0, builder.node(1))
    box = goal.bounding_box()

    handle.hover()
    page.mouse.down()
    page.mouse.move(box["x"] + 80, box["y"] + box["height"] / 2, steps=5)
    page.mouse.move(box["x"] + 80, box["y"] + box["height"] - 4, steps=5)
    page.mouse.up()
    assert builder.match == {"all": [{"any": [ask("email", "is_empty"), ask("town", "is", "Lviv")]}]}

    page.get_by_role("button", name="Undo").click()
    assert builder.match == segment.definition["match"]
    page.get_by_role("button", name="Redo").click()
    assert len(builder.match["all"]) == 1


def test_what_people_bought_is_asked_about_with_period_and_details(builder: Builder, crowd: Any) -> None:
    builder.open()
    node = builder.node(0)
    builder.choose(node, "field", "orders")
    node.get_by_label("What is asked").select_option(label="sum")
    builder.choose(node, "of", "total")
    node.locator("[data-part=op]").select_option(label="≥")
    node.locator("[data-part=value]").fill("100")
    node.get_by_role("button", name="Period").click()
    node.locator("[data-part=period-value]").fill("90")
    node.get_by_role("button", name="Details").click()
    builder.ask(builder.node(0, node), "sku", "is", "A-1")
    builder.wait_for_count(0)

    assert builder.match["all"] == [
        {
            "field": "orders",
            "measure": "sum",
            "of": "total_cost",
            "op": "at_least",
            "value": 100,
            "period": {"op": "in_last", "value": [90, "days"]},
            "where": {"all": [{"field": "items.sku", "op": "is", "value": "A-1"}]},
        }
    ]


def test_a_pasted_list_becomes_its_values(builder: Builder, crowd: Any) -> None:
    builder.open()
    builder.ask(builder.node(0), "town", "is one of")
    builder.node(0).get_by_role("button", name="Edit as a list").click()
    area = builder.node(0).locator("textarea")
    area.fill("Lviv\nLutsk\n\n  Київ \nLviv")
    builder.node(0).get_by_role("button", name="Take this list").click()

    assert builder.match["all"][0]["value"] == ["Lviv", "Lutsk", "Київ"]
    builder.wait_for_count(3)


def test_an_error_stands_where_its_path_leads(builder: Builder, crowd: Any) -> None:
    builder.open()
    builder.ask(builder.node(0), "email", "is", "no address")

    line = builder.node(0).locator("[data-error]")
    line.get_by_text("email").wait_for()
    value = builder.node(0).locator("[data-part=value]")
    assert value.get_attribute("aria-invalid") == "true"
    assert value.get_attribute("aria-describedby") == line.get_attribute("id")

    value.fill("olena@example.com")
    builder.wait_for_count(1)
    assert line.is_hidden()


def test_the_json_can_be_edited_and_what_is_refused_comes_back_with_it(builder: Builder, crowd: Any) -> None:
    page = builder.open().page
    page.get_by_text("As JSON").click()
    page.locator("#id_definition").fill(json.dumps(define({"any": [ask("town", "is", "Lviv")]})))
    builder.wait_for_count(1)
    builder.root.get_by_label("Value of Town").wait_for()

    page.locator("#id_definition").fill('{"version": 1, "match": ')
    page.get_by_role("alert").get_by_text("This JSON cannot be read.").wait_for()
    page.get_by_label("Name", exact=False).first.fill("Broken")
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator(".errorlist").get_by_text("This is not JSON.").wait_for()
    assert page.locator("#id_definition").input_value() == '{"version": 1, "match": '
    assert page.get_by_role("alert").get_by_text("This JSON cannot be read.").is_visible()


def test_who_was_signed_out_meanwhile_is_told_and_loses_nothing(builder: Builder, crowd: Any) -> None:
    page = builder.open().page
    builder.ask(builder.node(0), "town", "is", "Lviv")
    builder.wait_for_count(1)
    page.context.clear_cookies()

    builder.node(0).locator("[data-part=value]").fill("Lutsk")

    page.locator(".sb-panel").get_by_text("You are signed out").first.wait_for()
    assert builder.match == {"all": [ask("town", "is", "Lutsk")]}


def test_names_from_the_data_are_text_and_never_markup(builder: Builder, crowd: Any) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    CustomField.objects.create(key="evil", label=hostile, type="choice", options=[hostile])
    Contact.objects.filter(pk=crowd["olena"].pk).update(first_name=hostile, town=hostile)
    other = save_segment(Segment(name=hostile, definition=define(ask("town", "is", hostile))))
    tree = {"all": [ask("segment", "in", other.pk), ask("fields.evil", "is_not", hostile), ask("town", "is", hostile)]}
    page = builder.open(save_segment(Segment(name="Hostile", definition=define(tree)))).page
    said: list[str] = []
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))

    builder.wait_for_count(1)
    page.locator(".sb-sample").get_by_text(hostile).wait_for()
    builder.node(0).locator("[data-part=value]").click()
    page.locator(".sb-choice").get_by_text(hostile).wait_for()

    assert page.locator("segment-builder img").count() == 0
    assert said == []


def test_values_are_proposed_from_the_data(builder: Builder, crowd: Any) -> None:
    builder.open()
    builder.ask(builder.node(0), "town", "is")
    builder.node(0).locator("[data-part=value]").press_sequentially("lvi")
    builder.page.get_by_role("option", name="Lviv", exact=True).wait_for()
    builder.press("ArrowDown", "Enter")

    assert builder.match["all"][0]["value"].lower() == "lviv"


def test_the_parameters_of_the_chosen_type_are_proposed(builder: Builder, crowd: Any) -> None:
    make_event(crowd["olena"].pk, "view", NOW, {"page": "/", "product": {"id": 7}})
    make_event(crowd["olena"].pk, "buy", NOW, {"price": 5})
    builder.open()
    node = builder.node(0)
    builder.choose(node, "field", "events")
    builder.choose(node, "type", "view")
    node.get_by_role("button", name="Details").click()
    inner = builder.node(0, node)
    inner.locator("[data-part=field]").first.click()
    builder.page.get_by_role("option", name="product.id").wait_for()

    assert builder.page.get_by_role("option", name="price").count() == 0

    builder.page.keyboard.type("product.id")
    builder.page.locator(".sb-popup .sb-active").get_by_text("product.id").wait_for()
    builder.press("Enter")
    inner.locator("[data-part=op]").first.select_option(label="=")
    inner.locator("[data-part=value]").first.fill("7")
    builder.wait_for_count(1)


def test_a_type_that_is_not_for_segments_any_more_stays_and_is_not_offered(builder: Builder, crowd: Any) -> None:
    make_event(crowd["olena"].pk, "view", NOW, {})
    make_event(crowd["olena"].pk, "buy", NOW, {})
    EventType.objects.filter(key="buy").update(is_for_segments=False, name="Purchase")
    stored = save_segment(Segment(name="Buyers", definition=define({"all": [ask("events", "did", type="buy")]})))
    page = builder.open(stored).page

    builder.wait_for_count(1)
    page.get_by_text("“Purchase” is not for segments any more.").wait_for()
    builder.node(0).get_by_role("button", name="Purchase (not for new conditions)").click()
    page.get_by_role("option", name="view").wait_for()

    assert page.get_by_role("option", name="Purchase").count() == 0


def test_a_static_segment_needs_no_conditions_and_a_combined_one_asks_about_segments_alone(
    builder: Builder, crowd: Any
) -> None:
    page = builder.open().page
    page.locator("#id_type").select_option("static")
    page.get_by_text("A static segment has no conditions.").wait_for()
    assert builder.root.is_hidden()

    page.locator("#id_type").select_option("combined")
    builder.node(0).locator("[data-part=field]").click()
    page.locator(".sb-choice").first.wait_for()
    assert page.locator(".sb-choice").all_inner_texts() == ["Segment"]


def test_who_may_only_look_reads_the_builder_and_changes_nothing(page: Any, live_server: Any, crowd: Any) -> None:
    from django.contrib.auth.models import Permission, User
    from django.test import Client

    segment = save_segment(Segment(name="Lviv", definition=define(LVIV)))
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_segment"))
    client = Client()
    client.force_login(clerk)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )

    builder = Builder(page).open(segment)

    builder.wait_for_count(1)
    page.locator("[data-sentence]").get_by_text("Town is “Lviv”.").wait_for()
    assert page.locator(".sb-sample").is_hidden()  # contacts are not theirs to see
    assert builder.node(0).locator("[data-part=value]").is_disabled()
    assert page.get_by_role("button", name="Save").count() == 0
    assert builder.node(0).locator("[data-part=remove]").is_hidden()


def in_a_group(node: Any) -> Any:
    """At the top and below ``where`` the builder has groups, which others can be added to."""
    if "field" not in node:
        return {key: value if key == "not" else [with_groups(one) for one in value] for key, value in node.items()}
    return {"all": [with_groups(node)]}


def with_groups(node: Any) -> Any:
    if "field" not in node:
        return in_a_group(node)
    return {key: in_a_group(value) if key == "where" else value for key, value in node.items()}


def test_every_definition_of_the_table_comes_through_the_builder_as_it_was(builder: Builder, crowd: Any) -> None:
    written = [row.definition for row in TABLE + RELATIONS]
    page = builder.open().page

    through = page.evaluate(
        "async written => { const tree = await import('/static/segments/tree.js');"
        " return written.map((one) => tree.writeDefinition(tree.readDefinition(one))) }",
        written,
    )

    assert through == [
        {key: in_a_group(value) if key in ("match", "exclude") else value for key, value in one.items()}
        for one in written
    ]


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_is_never_wider_than_the_screen(builder: Builder, crowd: Any, width: int) -> None:
    tree = {"all": [ask("town", "is_one_of", ["x" * 200, "Lviv"]), {"any": [{"none": [ask("email", "is_empty")]}]}]}
    segment = save_segment(Segment(name="Wide", definition=define(tree)))
    builder.page.set_viewport_size({"width": width, "height": 844})

    builder.open(segment)
    builder.wait_for_count(1)

    assert builder.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_axe_finds_no_barrier(builder: Builder, crowd: Any, find_barriers: Any, width: int, theme: str) -> None:
    static = save_segment(Segment(name="Friends", type=SegmentType.STATIC))
    tree = {
        "all": [
            ask("town", "is_one_of", ["Lviv", "Lutsk"]),
            ask("email", "is", "broken"),
            {"any": [ask("fields.visits", "between", [1, 20]), ask("segment", "in", static.pk)]},
            ask("created_at", "in_last", [30, "days"], **{"not": True}),
            ask("random", "in_percent", [10, "seed"]),
            {"field": "events", "op": "did", "period": {"op": "today"}, "where": ask("params.sku", "is", "A")},
        ]
    }
    definition = define(tree) | {"exclude": {"any": [ask("email_state", "is_one_of", ["bounced"])]}}
    segment = Segment.objects.create(name="Everything", definition=definition)
    page = builder.page
    page.set_viewport_size({"width": width, "height": 900})
    builder.open(segment)
    page.evaluate("theme => document.documentElement.classList.toggle('dark', theme === 'dark')", theme)
    page.get_by_role("button", name="Keyboard").click()
    page.get_by_text("As JSON").click()
    builder.node(1).locator(".sb-error:not([hidden])").wait_for()
    assert find_barriers() == []

    builder.node(1).locator("[data-part=value]").fill("olena@example.com")
    builder.wait_for_count(0)
    builder.node(0).locator("[data-part=field]").click()
    page.locator(".sb-choice").first.wait_for()
    assert find_barriers() == []
