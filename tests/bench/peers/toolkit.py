"""django-oauth-toolkit in a project as `startproject` makes it, with OpenID Connect."""

import json
import os
from datetime import timedelta

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.utils import timezone
from jwcrypto import jwk

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
APPS = ["admin", "auth", "contenttypes", "sessions", "messages", "staticfiles"]
DATABASE = json.loads(os.environ["DATABASE"])
if DATABASE["ENGINE"].endswith("sqlite3"):
    # As Django recommends for production.
    DATABASE["OPTIONS"] = {
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL",
        "transaction_mode": "IMMEDIATE",
    }

settings.configure(
    SECRET_KEY="x" * 64,
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    MIDDLEWARE=MIDDLEWARE,
    INSTALLED_APPS=[*(f"django.contrib.{name}" for name in APPS), "oauth2_provider"],
    DATABASES={"default": {"CONN_MAX_AGE": None, **DATABASE}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    OAUTH2_PROVIDER={
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": jwk.JWK.generate(kty="RSA", size=2048).export_to_pem(True, None).decode(),
        "SCOPES": {name: name for name in ("openid", "profile", "email")},
    },
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402 - only once Django knows its settings
from oauth2_provider.models import Application, Grant  # noqa: E402


def codes(request: HttpRequest) -> JsonResponse:
    """Return the code that a user's sign-in and consent would have led to."""
    bench, ada = Application.objects.get(client_id="bench"), User.objects.get(username="ada")
    about = {
        "user": ada,
        "application": bench,
        "redirect_uri": os.environ["CALLBACK"],
        "scope": "openid profile email",
        "expires": timezone.now() + timedelta(minutes=1),
        "code_challenge": os.environ["CHALLENGE"],
        "code_challenge_method": "S256",
        "nonce": "n",
    }
    made = [os.urandom(16).hex() for _ in range(int(request.GET["count"]))]
    Grant.objects.bulk_create(Grant(code=code, **about) for code in made)
    return JsonResponse(made, safe=False)


urlpatterns = [path("oauth/", include("oauth2_provider.urls")), path("bench/codes", codes)]


def _prepare() -> None:
    call_command("migrate", verbosity=0)
    ada, _ = User.objects.get_or_create(username="ada", email="ada@example.org")
    Application.objects.get_or_create(
        client_id="bench",
        defaults={
            "client_secret": "a-secret-of-the-bench",
            # Otherwise each request would spend a tenth of a second on its hash.
            "hash_client_secret": False,
            "client_type": "confidential",
            "authorization_grant_type": "authorization-code",
            "redirect_uris": os.environ["CALLBACK"],
            "algorithm": "RS256",
            "skip_authorization": True,
            "user": ada,
        },
    )


_prepare()
app = WSGIHandler()
