"""Where an account is logged in."""

from django.db import models

from ground.mongodb.indexes import ExpiringIndex


class LoggedIn(models.Model):
    """A log-in by a browser: `lovense/performers/loggedin.py`. Its session is Django's, and is the
    one that counts: this only says where it is, and goes when it would have ended."""

    login_id = models.CharField(primary_key=True, db_column="_id", max_length=36)
    account = models.CharField(max_length=24)
    session_key = models.CharField(max_length=40)
    browser = models.CharField(max_length=64)
    network = models.CharField(max_length=48)  # never a whole address
    since = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "log_ins"
        verbose_name, verbose_name_plural = "log-in", "log-ins"
        indexes = [
            models.Index(fields=["account", "-since"], name="log_in_of_account"),
            models.Index(fields=["session_key"], name="log_in_session"),
            ExpiringIndex(fields=["expires_at"], name="log_in_expires"),
        ]

    def __str__(self) -> str:
        return self.login_id
