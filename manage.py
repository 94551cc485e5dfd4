#!/usr/bin/env python
"""Operator's entry point: `python manage.py <command>`; the commands are listed in
docs/operators.md."""

import os
import sys

from django.core.management import execute_from_command_line

from config import commandline

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    commandline.run(lambda: execute_from_command_line(sys.argv))
