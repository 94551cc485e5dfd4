"""All settings, in floor order. Every environment variable read here is documented in
docs/settings.md."""

from pathlib import Path

from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from config import env
from config.running import running_stack
from ground.inbox import signing
from ledger.rrr import signing as rrr_signing

BASE_DIR = Path(__file__).resolve().parent.parent
DEBUG = env.flag("DEBUG", default=True)
PRODUCTION = not DEBUG
VERSION = "0.1.0"

SECRET_KEY = env.secret(
    "SECRET_KEY", "development-only-secret-key-never-used-in-production", production=PRODUCTION
)
ALLOWED_HOSTS = env.parsed(
    "ALLOWED_HOSTS",
    env.words("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1],testserver"),
    env.hosts,
    "A comma list of names without scheme, port and path, as tips.example.com,127.0.0.1.",
)
PUBLIC_BASE_URL = env.parsed(
    "PUBLIC_BASE_URL",
    env.text("PUBLIC_BASE_URL", "http://127.0.0.1:8000"),
    env.site,
    "Where browsers reach the site, as https://tips.example.com.",
).rstrip("/")
# A proxy may pass on another Host than the browser asked for: our forms come from here.
CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL.lower()]

# --- where the data is: the environment, else the stack running in this checkout -----------------
_STACK = running_stack(BASE_DIR)
MONGODB_URI = env.parsed(
    "MONGODB_URI",
    env.text("MONGODB_URI")
    or _STACK.get("mongodb_uri", "mongodb://127.0.0.1:27017/tips?replicaSet=rs0"),
    env.database,
    "A replica set with the database's name, as mongodb://host:27017/tips?replicaSet=rs0.",
)
REDIS_URL = env.parsed(
    "REDIS_URL",
    env.text("REDIS_URL") or _STACK.get("redis_url", "redis://127.0.0.1:6379/0"),
    env.redis,
    "As redis://host:6379/0.",
)

# The name of this process's place in the stack ("web-0", "worker-0"): a restarted process takes
# over what its predecessor held.
STACK_SLOT = env.text("STACK_SLOT", "local")

DATABASES = {
    "default": {
        "ENGINE": "ground.mongodb",
        "HOST": MONGODB_URI,
        "NAME": "",
        "OPTIONS": {
            "w": "majority",
            "retryWrites": True,
            "serverSelectionTimeoutMS": 10_000,
            "maxPoolSize": 32,
            # by which a successor finds the transactions that this process left open
            "appname": STACK_SLOT,
        },
    }
}
DATABASE_ROUTERS = ["django_mongodb_backend.routers.MongoRouter"]
DEFAULT_AUTO_FIELD = "django_mongodb_backend.fields.ObjectIdAutoField"
SILENCED_SYSTEM_CHECKS: list[str] = []

INSTALLED_APPS = [
    "config.apps.AdminConfig",
    "config.apps.AuthConfig",
    "config.apps.ContentTypesConfig",
    "config.apps.SessionsConfig",
    # by this exact name, or DRF makes its Token model abstract; it has no automatic key
    "rest_framework.authtoken",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "django_htmx",
    "ground.audit",
    "ground.inbox",
    "ground.journal",
    "ledger",
    "tips",
    "lovense",
    "adminpanel",
    "config",
]
MIGRATION_MODULES = {
    "admin": "config.contrib_migrations.admin",
    "auth": "config.contrib_migrations.auth",
    "contenttypes": "config.contrib_migrations.contenttypes",
    "sessions": "config.contrib_migrations.sessions",
    "authtoken": "config.contrib_migrations.authtoken",
}

# --- HTTP ----------------------------------------------------------------------------------------
MIDDLEWARE = [
    "config.requests.RequestIdMiddleware",
    "config.requests.ErrorMiddleware",
    "config.requests.ProbeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.requests.AuditOriginMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "config.staffsessions.StaffSessionMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "config.urls"
APPEND_SLASH = False
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"
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
            "libraries": {"ui": "ground.ui.tags", "regions": "lovense.views.regiontag"},
        },
    }
]
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "config.static.ServedFiles"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576

# Counts of tries to log in (`config/tries.py`): what is lost with it is lost.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "tips-cache",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
}
# Mail: notices to performers who asked for them. Without a host none is sent.
EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'dummy'}.EmailBackend"
EMAIL_PORT = env.integer("EMAIL_PORT", 587, minimum=1)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", "tips@localhost")
# Whether an admin has to prove a second factor (`config/secondstep.py`).
STAFF_REQUIRE_OTP = env.flag("STAFF_REQUIRE_OTP", default=PRODUCTION)
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"  # the MongoDB backend stores UTC only
USE_TZ = True

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "ground.tokens.ByToken",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["ground.json.parser.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.requests.api_error",
    "URL_FORMAT_OVERRIDE": None,  # `format` is ours: how an export is written
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Settled Tips",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "PREPROCESSING_HOOKS": ["config.openapi.with_webhooks"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.openapi.with_open_choices",
    ],
    "ENUM_NAME_OVERRIDES": {
        "TipStatus": "tips.models.TipStatus",
        "SettlementStatus": "tips.models.SettlementStatus",
        "RequestStatus": "tips.models.RequestStatus",
        "RequestType": "tips.models.RequestType",
        "QueueMode": "tips.models.Mode",
        "ActivationStatus": "lovense.models.ActivationStatus",
        "DeviceStatus": "lovense.models.DeviceStatus",
        "OwedPolicy": "lovense.models.OwedPolicy",
        "OwedState": "lovense.models.OwedState",
        "OwedCause": "lovense.models.OwedCause",
        "SubmissionType": "lovense.lane.submissions.TYPES",
        "ItemPriority": "lovense.menus.matching.PRIORITIES",
        "QueuePriority": "lovense.api.schema.PRIORITY_NUMBERS",
        "StreamTypeEnum": "lovense.menus.matching.SHOWS",
        "QueueHealth": ["healthy", "degraded", "unhealthy"],
        "Settled": ["SETTLED"],
        "TipActivatedName": ["TipActivated"],
    },
}

# --- processes: channel layer, Celery, drains ----------------------------------------------------
# The pub/sub layer: the core layer silently loses bursts.
CHANNEL_LAYER_PREFIX = "tips"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            # Without a retry of its own the layer sleeps a second before it subscribes to a
            # restarted Redis again.
            "hosts": [
                {
                    "address": REDIS_URL,
                    "retry": Retry(ConstantBackoff(0.1), 10),
                    "retry_on_error": [OSError],
                }
            ],
            "prefix": CHANNEL_LAYER_PREFIX,
        },
    }
}
CELERY_BROKER_URL = REDIS_URL
# Where the clock ticks: in the worker, or in a process of its own (`config/beat.py`).
STACK_BEAT = env.choice("STACK_BEAT", "worker", ("worker", "process"))
DRAIN_LIMIT = env.integer("DRAIN_LIMIT", 200, minimum=1)

# Staff may send samples (`adminpanel/handling/deployment.py`): where no token is money, and nowhere
# else.
TEST_DEPLOYMENT = env.flag("TEST_DEPLOYMENT", default=False)
# Whoever asks for /metrics shows it; blank: staff only, and in development this machine.
METRICS_TOKEN = env.text("METRICS_TOKEN")

# --- ledger --------------------------------------------------------------------------------------
LEDGER_GATEWAY = env.choice("LEDGER_GATEWAY", "embedded", ("embedded", "rrr"))
# Whether we move a tip's tokens ourselves; with RRR the platform has already caused the posting.
LEDGER_PLACES_TIPS = env.flag("LEDGER_PLACES_TIPS", default=LEDGER_GATEWAY == "embedded")
# The development defaults are those of `manage.py rrr_simulator`; in production
# ledger/rrr/checks.py refuses blanks.
RRR_API_BASE_URL = env.text("RRR_API_BASE_URL", "" if PRODUCTION else "http://127.0.0.1:8790")
RRR_CLIENT_ID = env.text("RRR_CLIENT_ID", "" if PRODUCTION else "development")
RRR_CLIENT_SECRET = env.text(
    "RRR_CLIENT_SECRET", "" if PRODUCTION else "development-only-rrr-client-secret"
)
RRR_CONNECT_TIMEOUT_SECONDS = env.decimal("RRR_CONNECT_TIMEOUT_SECONDS", 2, minimum=0.01)
RRR_READ_TIMEOUT_SECONDS = env.decimal("RRR_READ_TIMEOUT_SECONDS", 5, minimum=0.01)
RRR_WEBHOOK_SECRETS = env.parsed(
    "RRR_WEBHOOK_SECRETS",
    env.words(
        "RRR_WEBHOOK_SECRETS", "" if PRODUCTION else "dev:development-only-rrr-webhook-secret"
    ),
    rrr_signing.secrets_of,
    "A comma list of keyid:secret; two during rotation.",
)
RRR_WEBHOOK_SCHEME1 = env.flag("RRR_WEBHOOK_SCHEME1", default=False)
# Known to everybody, so what it signs is no money.
PAYMENT_DEVELOPMENT_SECRET = "whsec_ZGV2ZWxvcG1lbnQtb25seS13ZWJob29rLXNlY3JldCE="  # noqa: S105
PAYMENT_WEBHOOK_SECRETS = env.parsed(
    "PAYMENT_WEBHOOK_SECRETS",
    env.words(
        "PAYMENT_WEBHOOK_SECRETS",
        env.secret(
            "PAYMENT_WEBHOOK_SECRETS",
            PAYMENT_DEVELOPMENT_SECRET,
            production=PRODUCTION,
        ),
    ),
    signing.keys_of,
    "A comma list of secrets, each whsec_ and the base64 of 16 to 64 bytes; two during rotation.",
)
WEBHOOK_TOLERANCE_SECONDS = env.integer("WEBHOOK_TOLERANCE_SECONDS", 300, minimum=1)
WEBHOOK_MAX_BODY_BYTES = env.integer("WEBHOOK_MAX_BODY_BYTES", 65_536, minimum=1024)

# --- tips ----------------------------------------------------------------------------------------
TIP_FUNDING_GRACE_SECONDS = env.decimal("TIP_FUNDING_GRACE_SECONDS", 60)
TIP_DEFAULT_COMMISSION = env.integer("TIP_DEFAULT_COMMISSION", 25)
TIP_FRESH_SECONDS = env.integer("TIP_FRESH_SECONDS", 900, minimum=1)

# --- lovense -------------------------------------------------------------------------------------
RECEIVED_WINDOW_SECONDS = env.decimal("RECEIVED_WINDOW_SECONDS", 10, minimum=0.1)
FINISH_GRACE_SECONDS = env.decimal("FINISH_GRACE_SECONDS", 5, minimum=0.1)
# The development default is that of `manage.py lovense_simulator`.
LOVENSE_API_BASE_URL = env.parsed(
    "LOVENSE_API_BASE_URL",
    env.text(
        "LOVENSE_API_BASE_URL",
        "https://api.lovense-api.com" if PRODUCTION else "http://127.0.0.1:8791",
    ),
    env.site,
    "Where the vendor's cloud answers, as https://api.lovense-api.com.",
).rstrip("/")
# The script of the vendor's Cam Extension: the vendor's own, or the simulator's.
LOVENSE_EXTENSION_SCRIPT_URL = env.parsed(
    "LOVENSE_EXTENSION_SCRIPT_URL",
    env.text(
        "LOVENSE_EXTENSION_SCRIPT_URL",
        f"{LOVENSE_API_BASE_URL}/cam-extension/static/js-sdk/broadcast.js",
    ),
    env.script,
    "As https://api.lovense-api.com/cam-extension/static/js-sdk/broadcast.js.",
)
LOVENSE_DEVELOPER_TOKEN = env.text(
    "LOVENSE_DEVELOPER_TOKEN",
    "" if PRODUCTION else "development-only-lovense-developer-token",
)
LOVENSE_QR_HOSTS = env.words("LOVENSE_QR_HOSTS", "apps.lovense-api.com,test2.lovense.com")
LOVENSE_PAIRING_SECONDS = env.integer("LOVENSE_PAIRING_SECONDS", 900, minimum=60)
LOVENSE_CONNECT_TIMEOUT_SECONDS = env.decimal("LOVENSE_CONNECT_TIMEOUT_SECONDS", 2, minimum=0.01)
LOVENSE_READ_TIMEOUT_SECONDS = env.decimal("LOVENSE_READ_TIMEOUT_SECONDS", 5, minimum=0.01)

# By which paths devices may be told. In production a virtual device is named on purpose.
LOVENSE_BRIDGES = env.words(
    "LOVENSE_BRIDGES",
    ("" if PRODUCTION else "SIMULATOR,") + "STANDARD_SERVER,STANDARD_LAN,EXTENSION",
)
# A phone runs no longer than this, plus one second, after everything of ours has died.
SERVER_LEASE_SECONDS = env.integer("SERVER_LEASE_SECONDS", 9, minimum=3)
LAN_LEASE_SECONDS = env.integer("LAN_LEASE_SECONDS", 4, minimum=3)
LOVENSE_CALLBACK_MAX_BODY_BYTES = env.integer(
    "LOVENSE_CALLBACK_MAX_BODY_BYTES", 65_536, minimum=1024
)

LOGGING_CONFIG = "config.logging.configure"
# Django calls the function above only when this is not empty.
LOGGING: dict[str, object] = {"level": "INFO"}
