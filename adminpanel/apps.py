"""The wiring of the admin panel."""

from django.apps import AppConfig


class AdminPanelConfig(AppConfig):
    name = "adminpanel"
    verbose_name = "Administration"
