"""What the production web server loads, in each of its processes."""

import multiprocessing
import os

from django.core.wsgi import get_wsgi_application

from crm.processes import end_with_parent

if parent := multiprocessing.parent_process():
    end_with_parent(parent.pid or 0)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
application = get_wsgi_application()
