"""What the server is told: safe on a machine that others use, silent towards the network.

Label Studio reads every setting also under its bare name (``HOST``, ``DEBUG``, ``PASSWORD``), so it never sees
our environment, only what is listed here.
"""

import os
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from rushes.annotate.label_studio.places import Home
from rushes.errors import UsageError

ADDRESS = "127.0.0.1"
ACCOUNT = "admin@rushes.localhost"
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TZ")


def variables(
    place: Home,
    *,
    token: str,
    password: str,
    postgres: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """Give the whole environment of the server.

    Args:
        place: Its home.
        token: For programs; Label Studio takes it over when it makes the account, at its first start.
        password: For people; likewise.
        postgres: ``postgresql://user:password@host:port/name`` in place of the SQLite file in the home.
        environment: Ours; only what finds programs, scratch space and the language is passed on.

    Raises:
        UsageError: ``labelstudio.postgres`` if the URL cannot be one of PostgreSQL.
    """
    passed = {name: environment[name] for name in _PASSED_ON if name in environment}
    return {
        **passed,
        "HOME": str(place.root),  # whatever libraries keep for a user stays in the server's home
        "PYTHONUNBUFFERED": "1",
        "LABEL_STUDIO_BASE_DATA_DIR": str(place.data),
        "LABEL_STUDIO_USERNAME": ACCOUNT,
        "LABEL_STUDIO_PASSWORD": password,
        "LABEL_STUDIO_USER_TOKEN": token,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(place.media),
        "CORS_ALLOW_ALL_ORIGINS": "false",
        "ALLOWED_HOSTS": f"{ADDRESS},localhost",
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SVG_SECURITY_CLEANUP": "true",
        "DEBUG": "false",
        "LOG_LEVEL": "INFO",
        "LABEL_STUDIO_COLLECT_ANALYTICS": "false",
        "COLLECT_ANALYTICS": "false",
        "LABEL_STUDIO_LATEST_VERSION_CHECK": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "FEATURE_FLAGS_OFFLINE": "true",
        **(_postgres(postgres) if postgres else {"DJANGO_DB": "sqlite"}),
    }


def _postgres(url: str) -> dict[str, str]:
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError as error:
        raise _no_postgres(str(error)) from error
    name = parts.path.strip("/")
    if parts.scheme not in ("postgres", "postgresql") or not parts.hostname or not name:
        raise _no_postgres("it needs a host and the name of a database")
    return {
        "DJANGO_DB": "default",
        "POSTGRE_HOST": parts.hostname,
        "POSTGRE_PORT": str(port),
        "POSTGRE_NAME": unquote(name),
        "POSTGRE_USER": unquote(parts.username or ""),
        "POSTGRE_PASSWORD": unquote(parts.password or ""),
    }


def _no_postgres(why: str) -> UsageError:
    return UsageError(  # without the URL: it may hold a password
        f"the PostgreSQL URL cannot be used: {why}",
        code="labelstudio.postgres",
        hint="write postgresql://user:password@host:5432/name",
    )
