"""Django's WSGI handler, for servers that serve HTTP apart from the sockets. Where the database
cannot be marked at its import, it serves all the same, and takes no money: a worker that did not
boot would end the whole of some servers, and STOP with it."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
_handler = get_wsgi_application()

from config import commandline, marking

commandline.check_combinations()
marking.attempt()
application = marking.guarded(_handler)
