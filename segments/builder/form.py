"""The page's field: a textarea with the definition as JSON, in an element that makes a builder of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django import forms
from django.forms.widgets import Script
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from segments.builder.suggesting import name_import
from segments.builder.words import say_words
from segments.catalogue import check_definition
from segments.conditions import load_json, write_json
from segments.conditions.errors import DefinitionRefused
from segments.conditions.lookups import DatabaseLookups
from segments.conditions.vocabulary import write_vocabulary
from segments.models import Segment, SegmentType

__all__ = ["BUILDER_MEDIA", "BuilderWidget", "SegmentForm", "show_builder"]

EXAMPLE: Final = {"version": 1, "match": {"all": [{"field": "external_id", "op": "is_empty"}]}}
"""Shown where the browser runs no scripts."""
BUILDER_MEDIA: Final = forms.Media(
    css={"all": ["segments/builder.css"]},
    js=[Script("segments/builder.js", type="module")],  # type: ignore[list-item]  # new in Django 5.2
)


class BuilderWidget(forms.Textarea):
    """The textarea within the builder. The form gives it the segment that is edited."""

    segment = Segment()

    def __init__(self) -> None:
        super().__init__(UnfoldAdminTextareaWidget(attrs={"rows": 14, "spellcheck": "false"}).attrs)
        self.attrs["class"] += " font-mono"
        self.attrs["placeholder"] = write_json(EXAMPLE)

    @property
    def media(self) -> forms.Media:
        return BUILDER_MEDIA

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        textarea = super().render(name, value, attrs, renderer)
        return render_builder(textarea, value or "", self.segment, is_read_only=False)


def show_builder(segment: Segment) -> SafeString:
    """The builder to look at: everything can be read, nothing changed."""
    text = write_json(segment.definition) if segment.definition else ""
    textarea = forms.Textarea().render("", text, {"readonly": True, "rows": 14, "class": "sb-input font-mono"})
    return render_builder(textarea, text, segment, is_read_only=True)


def render_builder(textarea: SafeString, text: str, segment: Segment, *, is_read_only: bool) -> SafeString:
    data = build_page(segment, text, is_read_only=is_read_only)
    return render_to_string("segments/builder.html", {"textarea": textarea, "data": data})


def build_page(segment: Segment, text: str, *, is_read_only: bool) -> dict[str, Any]:
    """What the page works with."""
    lookups = DatabaseLookups()
    return {
        "vocabulary": write_vocabulary(lookups.registry),
        "words": say_words(),
        "urls": {name: reverse(f"admin:segments_segment_{name}") for name in ("check", "suggest")},
        "names": find_names(text, lookups),
        "segment": segment.pk,
        "segment_type": segment.type,
        "time_zone": lookups.account.time_zone,
        "is_read_only": is_read_only,
    }


def find_names(text: str, lookups: DatabaseLookups) -> dict[str, dict[int, str]]:
    """The names of the segments and imports that a definition names, by number."""
    try:
        asked = list(_conditions(load_json(text))) if text else []
    except DefinitionRefused:
        return {"segment": {}, "import": {}}
    segments, imports = lookups.registry.segments, lookups.registry.imports
    return {
        "segment": {number: segments[number] for number in _numbers(asked, "segment") if number in segments},
        "import": {
            number: name_import(number, imports[number]) for number in _numbers(asked, "import") if number in imports
        },
    }


def _conditions(data: Any) -> Iterator[dict[str, Any]]:
    """Every object that names a field, however broken the rest may be."""
    waiting = [data]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if "field" in item:
                yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _numbers(conditions: list[dict[str, Any]], field: str) -> Iterator[int]:
    for condition in conditions:
        value = condition.get("value")
        if condition["field"] == field and isinstance(value, int) and not isinstance(value, bool):
            yield value


class SegmentForm(forms.ModelForm):
    """Checks the definition and shows each error with its path."""

    definition = forms.CharField(label=_("Conditions"), required=False, strip=True, widget=BuilderWidget)

    class Meta:
        model = Segment
        fields = ("name", "type", "description", "definition")
        widgets = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 2})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["definition"] = write_json(self.instance.definition) if self.instance.definition else ""
        if "definition" in self.fields:
            self.fields["definition"].widget.segment = self.instance

    def clean_definition(self) -> Any:
        text = self.cleaned_data["definition"]
        if not text:
            return None
        try:
            return load_json(text)
        except DefinitionRefused as refused:
            raise forms.ValidationError(refused.lines) from refused

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        segment_type = cleaned.get("type", self.instance.type)
        if segment_type == SegmentType.STATIC:
            cleaned["definition"] = None
        elif "definition" not in self.errors:
            self._check(cleaned.get("definition"), segment_type)
        return cleaned

    def _check(self, definition: Any, segment_type: str) -> None:
        if definition is None:
            self.add_error("definition", _t("Write the conditions, or make the segment static."))
            return
        try:
            check_definition(definition, segment_type=segment_type, segment_id=self.instance.pk)
        except DefinitionRefused as refused:
            self.add_error("definition", refused.lines)
