"""The queue, to look at; jobs can be retried, cancelled and aborted."""

from django.contrib import admin
from procrastinate.contrib.django.admin import ProcrastinateEventInline, ProcrastinateJobAdmin
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob
from unfold.admin import ModelAdmin, StackedInline

__all__ = ["JobAdmin"]

admin.site.unregister(ProcrastinateJob)


class EventInline(StackedInline, ProcrastinateEventInline):
    model = ProcrastinateEvent
    extra = 0


@admin.register(ProcrastinateJob)
class JobAdmin(ProcrastinateJobAdmin, ModelAdmin):
    inlines = [EventInline]
    list_filter = ["status", "queue_name", "task_name"]
    list_disable_select_all = True
    show_full_result_count = False
