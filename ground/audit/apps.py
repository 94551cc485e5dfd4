"""The audit log as a Django app: its one table."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "ground.audit"
    verbose_name = "Audit log"
