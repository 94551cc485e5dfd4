"""App configs of the roof: the contrib apps on ObjectId keys, and `config` itself. No business
wiring lives here.

The contrib configs carry `default = False`: Django picks the one config with `default = True` for
the plain entry `config`."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.contrib.auth import apps as auth_apps
from django.contrib.contenttypes import apps as contenttypes_apps
from django.contrib.sessions import apps as sessions_apps

OBJECT_ID = "django_mongodb_backend.fields.ObjectIdAutoField"


class AdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "adminpanel.site.Records"
    default_auto_field = OBJECT_ID


class AuthConfig(auth_apps.AuthConfig):
    default = False
    default_auto_field = OBJECT_ID


class ContentTypesConfig(contenttypes_apps.ContentTypesConfig):
    default = False
    default_auto_field = OBJECT_ID


class SessionsConfig(sessions_apps.SessionsConfig):
    default = False
    default_auto_field = OBJECT_ID


class ProjectConfig(AppConfig):
    """The roof itself: teaches DRF the database's key type and makes our Celery application the
    current one."""

    default = True
    name = "config"
    default_auto_field = OBJECT_ID

    def ready(self) -> None:
        from config import celery, drf_fields

        celery.app.set_default()
        drf_fields.register()
