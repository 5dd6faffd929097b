from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin_apps
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

__all__ = ["CardfileAdminConfig", "CrmConfig"]


class CardfileAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "crm.login.site.CardfileSite"


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = _("Administration")
    default = True

    def ready(self) -> None:
        from crm.login.confirming import note_confirmed
        from crm.login.sessions import begin_session
        from crm.roles import write_roles

        apps.get_app_config("auth").verbose_name = self.verbose_name
        user_logged_in.connect(begin_session, dispatch_uid="begin_session")
        user_logged_in.connect(note_confirmed, dispatch_uid="note_confirmed")
        last = list(apps.get_app_configs())[-1]  # after whose turn every permission is there
        post_migrate.connect(write_roles, sender=last, dispatch_uid="write_roles")
