"""Django's WSGI handler, for servers that serve HTTP apart from the sockets. It has no start of its
own to mark the database in: where that fails, here nothing is served."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

from adminpanel.handling import deployment
from config import commandline
from ground import clock

commandline.check_combinations()
deployment.settle(now=clock.now())
