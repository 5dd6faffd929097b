"""All settings, in one file, each one readable from the environment.

A variable that cannot be understood stops the start with its name, rather than falling back in silence.
"""

import os
import re
import secrets
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))


def read_secret_key() -> str:
    """SECRET_KEY, else one made at the first start and kept in var/, so that sessions outlive a restart."""
    if key := env.str("SECRET_KEY", default=""):
        return key
    file = VAR_DIR / "secret_key"
    if not file.exists():
        VAR_DIR.mkdir(parents=True, exist_ok=True)
        new = VAR_DIR / f"secret_key.{os.getpid()}"
        new.touch(mode=0o600)
        new.write_text(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(new, file)  # never over a key that another process made meanwhile
        new.unlink()
    return file.read_text()


def read_networks(name: str) -> list[str]:
    networks: list[str] = env.list(name, default=[])
    for network in networks:
        try:
            ip_network(network)
        except ValueError as error:
            raise environ.ImproperlyConfigured(f"{name}: {error}. Write networks such as 10.1.0.0/16.") from error
    return networks


SECRET_KEY = read_secret_key()
SUPPRESSION_KEY = env.str(
    "SUPPRESSION_KEY", default=SECRET_KEY
)  # addresses that must not be written to are kept by this hash
SECRETS_KEY = [key.strip() for key in env.list("SECRETS_KEY", default=[]) if key.strip()]  # of crm.secrets; new first
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
HOST = env.str("HOST", default="127.0.0.1")
PORT = env.int("PORT", default=8000)
DEMO_CONTACTS = env.int("DEMO_CONTACTS", default=10_000)  # made at the first `make run`; 0 for none
SITE_NAME = env.str("SITE_NAME", default="Cardfile")

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.import_export",
    "crm.apps.CardfileAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "import_export",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "procrastinate.contrib.django",
    "crm",
    "contacts",
    "segments",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "crm.admin.policy.PolicyMiddleware",
    "crm.api.cors.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "contacts.admin.reader.ReaderMiddleware",
    "crm.api.paths.OptionalSlashMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "crm.login.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"
APPEND_SLASH = True
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


# Database: DATABASE_URL (PostgreSQL 15 to 18), else the embedded server under var/.

WEB_PROCESSES = env.int("WEB_PROCESSES", default=min(os.cpu_count() or 1, 4))
WEB_THREADS = env.int("WEB_THREADS", default=4)
WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", default=4)
WORKER_POOL_SIZE = env.int("WORKER_POOL_SIZE", default=4)  # the queue's own connections, beside its jobs'
IMPORTS_AT_ONCE = env.int("IMPORTS_AT_ONCE", default=max(1, WORKER_CONCURRENCY - 1))  # of all workers together
# An import takes two connections: one reads ahead while the other writes.
POOL_SIZE = env.int("POOL_SIZE", default=max(WEB_THREADS, WORKER_CONCURRENCY + IMPORTS_AT_ONCE) + 2)
CONNECTIONS = (WEB_PROCESSES + 1) * POOL_SIZE + WORKER_POOL_SIZE  # all web processes and one worker
MOST_CONNECTIONS = env.int("MOST_CONNECTIONS", default=80)  # of the server's 100; the rest is for commands
if CONNECTIONS > MOST_CONNECTIONS:
    raise environ.ImproperlyConfigured(
        f"WEB_PROCESSES, POOL_SIZE and WORKER_POOL_SIZE add up to {CONNECTIONS} database connections, more than "
        f"MOST_CONNECTIONS ({MOST_CONNECTIONS}). Lower them, or raise it together with the server's max_connections."
    )


def read_database() -> dict[str, Any]:
    options = {"pool": {"min_size": 1, "max_size": POOL_SIZE, "timeout": 30}, "prepare_threshold": None}
    if env.str("DATABASE_URL", default=""):
        database: dict[str, Any] = env.db_url("DATABASE_URL")
        if database["ENGINE"] != "django.db.backends.postgresql":
            raise environ.ImproperlyConfigured("DATABASE_URL must name a PostgreSQL server (15 to 18).")
        return database | {"OPTIONS": database.get("OPTIONS", {}) | options}
    return {
        "ENGINE": "crm.postgresql",
        "NAME": "postgres",
        "USER": "cardfile",
        "PORT": "5432",
        "OPTIONS": options | {"home": VAR_DIR / "postgresql"},
    }


DATABASES = {"default": read_database()}
PREPARED_STATEMENTS = env.bool("PREPARED_STATEMENTS", default=True)  # False behind a pooler that cannot keep them
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# What web processes count together is in shared memory, so on one machine; over several machines in Redis.
CACHE_URL = env.str("CACHE_URL", default="")
CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}


# Language and time

LANGUAGE_CODE = env.str("LANGUAGE_CODE", default="en")
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
FORMAT_MODULE_PATH = ["crm.formats"]
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="UTC")


# Files

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = VAR_DIR / "files"
IMPORTS_DIR = VAR_DIR / "imports"  # what people uploaded; web and worker must see the same folder
EXPORTS_DIR = VAR_DIR / "exports"  # files that a job wrote, for a day; likewise
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}


# Security

VALIDATORS = "django.contrib.auth.password_validation"
PASSWORD_LENGTH = env.int("PASSWORD_LENGTH", default=12)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{VALIDATORS}.UserAttributeSimilarityValidator"},
    {"NAME": f"{VALIDATORS}.MinimumLengthValidator", "OPTIONS": {"min_length": PASSWORD_LENGTH}},
    {"NAME": f"{VALIDATORS}.CommonPasswordValidator"},
    {"NAME": f"{VALIDATORS}.NumericPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = (
    env.int("INVITATION_DAYS", default=3) * 86_400
)  # a link to choose a password is good for so long
FAILED_LOGINS_OF_ACCOUNT = env.int("FAILED_LOGINS_OF_ACCOUNT", default=5)  # in a row, before the account has to wait
FAILED_LOGINS_OF_ADDRESS = env.int("FAILED_LOGINS_OF_ADDRESS", default=20)  # an office may share one address
OTP_TOTP_ISSUER = SITE_NAME
OTP_TOTP_THROTTLE_FACTOR = 0  # guessing is slowed down with that of passwords: crm.login.attempts
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
CSRF_FAILURE_VIEW = "crm.api.pages.csrf_failure"

SESSION_ENGINE = "crm.login.sessions"
SESSION_IDLE_HOURS = env.int("SESSION_IDLE_HOURS", default=24)
SESSION_DAYS = env.int("SESSION_DAYS", default=7)  # after which one signs in again, however busy the session was
SESSION_COOKIE_AGE = SESSION_IDLE_HOURS * 3_600

HTTPS = env.bool("HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_TLS_PROXY", default=False) else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
UNUSED_FEATURES = (
    "accelerometer browsing-topics camera display-capture geolocation gyroscope microphone midi payment usb"
)
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in UNUSED_FEATURES.split())

STRICT_CSP = {
    "default-src": [SELF],
    "base-uri": [NONE],
    "form-action": [SELF],
    "frame-ancestors": [NONE],
    "img-src": [SELF, "data:"],
    "object-src": [NONE],
}
CONTENT_SECURITY_POLICY = {"DIRECTIVES": STRICT_CSP}
# Alpine compiles its attributes, and unfold and Swagger write styles: allowed on these pages alone, and under /admin/
# only once somebody is signed in (crm.admin.policy; docs/security.md says what that means).
RELAXED_CSP = {
    "/admin/": STRICT_CSP | {"script-src": [SELF, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]},
    "/api/docs": STRICT_CSP | {"style-src": [SELF, UNSAFE_INLINE]},
}

# How many proxies stand before us, each adding to X-Forwarded-For. 0: the address that calls is the caller's own.
PROXIES = env.int("PROXIES", default=0)
AUDIT_DAYS = env.int("AUDIT_DAYS", default=730)  # after which entries of the audit log are erased

# The address that people reach this site at, without a slash: https://crm.example.com. Links in mails begin with it;
# empty: with the address that the call which caused them came to.
PUBLIC_URL = env.str("PUBLIC_URL", default="").rstrip("/")

# Networks of one's own that webhooks and links to files may reach, such as 10.1.0.0/16; no other private ones.
OUTBOUND_NETWORKS = read_networks("OUTBOUND_NETWORKS")


# API

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["crm.api.authentication.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["crm.api.permissions.ScopePermission"],
    "DEFAULT_PARSER_CLASSES": ["crm.api.parsers.LenientJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["crm.api.renderers.ApiRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "crm.api.parsers.OneFormatNegotiation",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "crm.api.errors.handle_exception",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "TEST_REQUEST_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000  # the map of a file with 1,000 columns
MOST_BODY_BYTES = env.int("MOST_BODY_BYTES", default=5 * 1024 * 1024)  # of a call, unpacked; uploads have their own
DATA_UPLOAD_MAX_MEMORY_SIZE = max(MOST_BODY_BYTES, 10 * 1024 * 1024)  # Django's own limit, for pages with long forms
CALLS_A_SECOND = {  # of one key, over all web processes; a key may have a limit of its own
    "calls": env.int("CALLS_A_SECOND", default=200),
    "search": env.int("SEARCHES_A_SECOND", default=50),
    "events": env.int("EVENTS_A_SECOND", default=350),
    "apps": env.int("APP_CALLS_A_SECOND", default=1_000),  # of all devices that have the key
    "app_addresses": env.int("APP_CALLS_A_SECOND_OF_ADDRESS", default=300),  # of those behind one address
}
FORMS_A_MINUTE = env.int("FORMS_A_MINUTE", default=10)  # how often one address may send one subscription form
WEB_CALLS_A_SECOND = env.int("WEB_CALLS_A_SECOND", default=200)  # of the pages of one website
WEB_CALLS_OF_ADDRESS = env.int("WEB_CALLS_OF_ADDRESS", default=50)  # of those, a second; an office may share one
CORS_ORIGINS = env.list("CORS_ORIGINS", default=[])  # whose scripts may call the API: https://shop.example.com,…
for origin in CORS_ORIGINS:
    if not re.fullmatch(r"https?://[^/\s*]+", origin):
        raise environ.ImproperlyConfigured(
            f"CORS_ORIGINS must list origins such as https://example.com, not {origin!r}."
        )
API_DOCS_ARE_PUBLIC = env.bool("API_DOCS_ARE_PUBLIC", default=False)  # else by API key, or signed in
SPECTACULAR_SETTINGS = {
    "TITLE": "Cardfile API",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api",
    "ENUM_NAME_OVERRIDES": {
        "ChannelStateEnum": "contacts.api.schema_history.STATES",
        "JobStatusEnum": "contacts.api.schema_transfers.STATUS_NAMES",
        "JobTypeEnum": "contacts.api.schema_transfers.TYPES",
        "WarehouseKindEnum": "contacts.models.TargetKind.values",
        "WarehouseRunKindEnum": "contacts.models.RunKind.values",
        "GroupTypeEnum": "segments.api.schema.TYPES",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "crm.api.schema.describe_shared_answers",
        "crm.api.links.describe_links",
    ],
    "SERVE_AUTHENTICATION": [
        "crm.api.authentication.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "SERVE_PERMISSIONS": [f"rest_framework.permissions.{'AllowAny' if API_DOCS_ARE_PUBLIC else 'IsAuthenticated'}"],
}


# Mail: smtp+tls://user:password@mail.example.com:587; where it is unset, mails are written to the log.

EMAIL = env.email_url("EMAIL_URL", default="consolemail://")
EMAIL_BACKEND = EMAIL["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = EMAIL["EMAIL_HOST"] or "localhost", EMAIL["EMAIL_PORT"] or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = EMAIL["EMAIL_HOST_USER"] or "", EMAIL["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = EMAIL.get("EMAIL_USE_TLS", False), EMAIL.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="cardfile@localhost")
CONFIRMATION_MAIL = env.bool("CONFIRMATION_MAIL", default=True)  # off: a mailer of one's own takes the link
CONFIRMATION_LINK_DAYS = env.int("CONFIRMATION_LINK_DAYS", default=14)
CONFIRMATIONS_A_MINUTE = env.int("CONFIRMATIONS_A_MINUTE", default=120)  # of those that imports ask for


# Jobs

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"


# Admin

UNFOLD = {
    "SITE_TITLE": SITE_NAME,
    "SITE_HEADER": SITE_NAME,
    "SITE_SYMBOL": "contacts",
    "SITE_URL": None,
    "DASHBOARD_CALLBACK": "crm.admin.dashboard.add_panels",
    "STYLES": ["crm.admin.nothing.link_style"],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "ACCOUNT": {"navigation": [{"title": _("Your account"), "link": reverse_lazy("admin:account")}]},
    # Not "search_models": it would look through every row of every model.
    "COMMAND": {"search_models": False, "search_callback": "contacts.admin.palette.search_contacts"},
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": "crm.admin.navigation.list_navigation",
    },
}


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "procrastinate": {"level": "WARNING"},  # it tells every command which tasks it knows
        "django.request": {"level": "ERROR"},  # what callers do wrong is in their answer
    },
}
