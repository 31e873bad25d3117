"""A site on Django whose people sign in by mozilla-django-oidc, django-allauth or social-auth, in a separate environment."""

import json
import sys
import types
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import django
from django.conf import settings
from django.contrib.auth import logout
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.urls import include, path
from django.utils.module_loading import import_string
from werkzeug.serving import run_simple

TOLD = json.loads(sys.argv[1])
GIVEN: dict[str, Any] = {
    "ALLOWED_HOSTS": ["127.0.0.1"],
    "DEBUG": True,  # what fails is said on the page
    "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(TOLD["folder"]) / "site.db"}},
    "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
    "INSTALLED_APPS": [f"django.contrib.{name}" for name in ("auth", "contenttypes", "messages", "sessions")],
    "LOGIN_REDIRECT_URL": "/",
    "LOGOUT_REDIRECT_URL": "/",
    "MIDDLEWARE": [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    "ROOT_URLCONF": __name__,
    "SECRET_KEY": "for the cookies of this site alone",
    "TEMPLATES": [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
}


class Library:
    """What a site on one library needs beside the copied configuration.

    *own*: the pages that this defines. *uses*: what it imports, which Django allows once it is configured.
    """

    prefix: str
    urls: str
    own: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()


class Mozilla(Library):
    """A site on mozilla-django-oidc."""

    prefix, urls = "oidc/", "mozilla_django_oidc.urls"

    def furnish(self, given: dict[str, Any]) -> None:
        given["INSTALLED_APPS"] += ["mozilla_django_oidc"]
        given["AUTHENTICATION_BACKENDS"] = ["mozilla_django_oidc.auth.OIDCAuthenticationBackend"]
        given["OIDC_STORE_ACCESS_TOKEN"] = True  # for the test to see it

    def held(self, request: HttpRequest) -> dict[str, Any]:
        return {"id_token": request.session["oidc_id_token"], "access": request.session["oidc_access_token"]}

    def renew(self, request: HttpRequest) -> None:
        request.session["oidc_id_token_expiration"] = 0  # as when its time is over


class Allauth(Library):
    """A site on django-allauth."""

    prefix, urls = "accounts/", "allauth.urls"

    def furnish(self, given: dict[str, Any]) -> None:
        parts = ("", ".account", ".socialaccount", ".socialaccount.providers.openid_connect")
        given["INSTALLED_APPS"] += [f"allauth{part}" for part in parts]
        given["MIDDLEWARE"] += ["allauth.account.middleware.AccountMiddleware"]
        given["AUTHENTICATION_BACKENDS"] = ["allauth.account.auth_backends.AuthenticationBackend"]
        given["ACCOUNT_EMAIL_VERIFICATION"] = "none"
        given["SOCIALACCOUNT_STORE_TOKENS"] = True  # for the test to see them

    def held(self, request: HttpRequest) -> dict[str, Any]:
        account = request.user.socialaccount_set.get()  # type: ignore[union-attr]
        return {"sub": account.extra_data["id_token"]["sub"], "access": account.socialtoken_set.get().token}


class Social(Library):
    """A site on social-auth-app-django."""

    prefix, urls, own = "", "social_django.urls", ("leave",)
    uses = "social_core.exceptions.AuthCredentialError", "social_django.utils.load_strategy"

    def furnish(self, given: dict[str, Any]) -> None:
        given["INSTALLED_APPS"] += ["social_django"]

    def held(self, request: HttpRequest) -> dict[str, Any]:
        kept = request.user.social_auth.get().extra_data  # type: ignore[union-attr]
        return {"id_token": kept["id_token"], "access": kept["access_token"]}

    def renew(self, request: HttpRequest) -> None:
        COPIED["renew"](request)


SITE: Any = {"mozilla-django-oidc": Mozilla, "django-allauth": Allauth, "social-auth": Social}[TOLD["client"]]()


def home(request: HttpRequest) -> HttpResponse:
    """Say whom the site takes its visitor for."""
    known = request.user.is_authenticated
    user = {"email": request.user.email, **SITE.held(request)} if known else None  # type: ignore[union-attr]
    return JsonResponse({"user": user, "csrf": get_token(request)})


def renew(request: HttpRequest) -> HttpResponse:
    """Have the library ask Signed Out once more."""
    if request.user.is_authenticated:
        SITE.renew(request)
    return redirect("/")


def copy(block: str) -> dict[str, Any]:
    """Configure Django as the docs say; return what that defines."""
    SITE.furnish(GIVEN)
    named = {**GIVEN, "ISSUER": TOLD["issuer"], "ID": TOLD["id"], "SECRET": TOLD["secret"]}
    named |= {"__name__": "shop.sign_out", "logout": logout, "redirect": redirect, "urlencode": urlencode}
    exec(compile(block, "docs/apps.md", "exec"), named)  # noqa: S102
    settings.configure(**{name: value for name, value in named.items() if name.isupper()})
    sys.modules["shop"], sys.modules["shop.sign_out"] = types.ModuleType("shop"), types.ModuleType("shop.sign_out")
    sys.modules["shop.sign_out"].__dict__.update(named)
    return named


COPIED = copy(TOLD["block"])
django.setup()
COPIED.update({used.rpartition(".")[2]: import_string(used) for used in SITE.uses})
urlpatterns = [path("", home), path("renew", renew), path(SITE.prefix, include(SITE.urls))]
urlpatterns += [path(name, COPIED[name]) for name in SITE.own]

if __name__ == "__main__":
    sys.modules[settings.ROOT_URLCONF] = sys.modules["__main__"]
    call_command("migrate", verbosity=0)
    run_simple("127.0.0.1", TOLD["port"], get_wsgi_application(), threaded=True)
