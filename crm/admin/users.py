"""Users and groups, in unfold's clothes."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

__all__ = ["CardfileGroupAdmin", "CardfileUserAdmin"]

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class CardfileUserAdmin(UserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class CardfileGroupAdmin(GroupAdmin, ModelAdmin):
    pass
