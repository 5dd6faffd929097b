"""Addresses that stand in mails; they are short, and never change."""

from django.urls import path

from contacts.pages.confirm import confirm_email

urlpatterns = [path("confirm/<str:token>", confirm_email, name="confirm-email")]
