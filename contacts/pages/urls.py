"""Addresses that stand in mails and in other people's pages; they are short, and never change."""

from django.urls import path

from contacts.pages.confirm import confirm_email
from contacts.pages.forms import subscription_form, subscription_thanks
from contacts.pages.unsubscribe import unsubscribe_email

urlpatterns = [
    path("confirm/<str:token>", confirm_email, name="confirm-email"),
    path("unsubscribe/<str:token>", unsubscribe_email, name="unsubscribe-email"),
    path("forms/<slug:form_key>", subscription_form, name="subscription-form"),
    path("forms/<slug:form_key>/thanks", subscription_thanks, name="subscription-thanks"),
]
