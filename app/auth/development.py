"""The development issuer: its signing key, its secret and its tokens. It serves on loopback when no issuer is set."""

import os
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from app.data_dir import file_refusal, make_data_dir
from app.domain.hosts import is_loopback
from app.domain.scopes import Scope
from app.settings import ConfigurationError, Issuer, Settings

ISSUER = "urn:profile-api:development"
AUDIENCE = "urn:profile-api"
TENANT = "dev"
# Only a token of the development issuer names its own tenant. The tenant of any other token comes from the issuer's
# configuration, so that an issuer cannot give access to another tenant.
TENANT_CLAIM = "urn:profile-api:tenant"
_KEY_FILE = "development-key.pem"
_SECRET_FILE = "development-secret"  # noqa: S105
_MIN_SECRET = 16
USER_SCOPES = tuple(each for each in Scope if "current_user" in each)
APPLICATION_SCOPES = tuple(each for each in Scope if "current_user" not in each)


def check_development(settings: Settings, demo: bool) -> bool:
    """Returns whether the development issuer is used. `demo` is true when the command line has --demo.

    Raises ConfigurationError when neither the development issuer nor a configured issuer can be used.
    """
    # Everyone who can read the data directory can sign tokens of this issuer. A variable that was lost in a deployment
    # must therefore stop the service, and not open its database.
    if settings.issuers is not None:
        return False
    if settings.mongodb_url is not None and not demo:
        raise ConfigurationError(
            "PROFILE_API_ISSUERS is not set, but PROFILE_API_MONGODB_URL is: set the issuers of tokens, or serve with"
            " --demo to accept tokens of the development issuer."
        )
    if not is_loopback(settings.host):
        raise ConfigurationError(
            f"The development issuer serves loopback only, not {settings.host}: set PROFILE_API_ISSUERS first."
        )
    return True


def load_key(data_dir: Path) -> ECKey:
    """Returns the signing key, and creates its file on first use. Only the owner can read the file.

    Raises ConfigurationError when the file cannot be read, or does not contain a private key for ES256.
    """
    path = data_dir / _KEY_FILE
    content = _load_file(path, lambda: ECKey.generate_key("P-256").as_pem(private=True))
    try:
        key = ECKey.import_key(content, {"kid": "development"})
    except (JoseError, ValueError, TypeError):
        key = None
    if key is None or not key.is_private or key.curve_name != "P-256":
        raise file_refusal(path, "is not a private key for ES256", "delete it, and the next start creates a new key")
    return key


def check_key(data_dir: Path) -> None:
    """Raises ConfigurationError when no service has created its key in this directory.

    For the command that creates tokens.
    """
    # With a key that this command creates, it would sign tokens that no running service accepts.
    if not (data_dir / _KEY_FILE).is_file():
        raise ConfigurationError(
            f"There is no development key in {data_dir.absolute()}. The service creates it: start the service once,"
            " or set PROFILE_API_DATA_DIR to its data directory."
        )


def load_secret(data_dir: Path) -> str:
    """Returns the secret that replaces PROFILE_API_SECRET in development, and creates its file on first use.

    Only the owner can read the file. Raises ConfigurationError when the file cannot be read or is too short.
    """
    path = data_dir / _SECRET_FILE
    secret = _load_file(path, lambda: secrets.token_urlsafe(32).encode()).decode("utf-8", "replace")
    # The service never replaces a damaged secret: everything that the old secret encrypted would be lost.
    if len(secret) < _MIN_SECRET:
        raise file_refusal(path, "does not contain a secret", "restore it from a backup: stored values need it")
    return secret


def _load_file(path: Path, make: Callable[[], bytes]) -> bytes:
    """Returns the content of the file, which is created with the result of `make` on first use.

    Raises ConfigurationError when the file cannot be read or created.
    """
    try:
        if not path.exists():
            make_data_dir(path.parent)
            _make_file(path, make())
        return path.read_bytes()
    except OSError as error:
        raise file_refusal(path, f"cannot be read ({error.strerror})", "check its owner and mode") from None


def _make_file(path: Path, content: bytes) -> None:
    """Creates the file, unless another process has created it."""
    # The complete content is written under another name and then linked. A process that starts at the same time never
    # reads half a file, and all processes use the file that was linked first. NamedTemporaryFile has mode 0600.
    with NamedTemporaryFile(dir=path.parent) as file:
        file.write(content)
        file.flush()
        with suppress(FileExistsError):
            os.link(file.name, path)


def development_issuer(data_dir: Path) -> Issuer:
    """Returns the configuration that accepts tokens of `mint`. `Tokens` also needs TENANT_CLAIM as `tenant_claim`."""
    key = load_key(data_dir)
    return Issuer(
        issuer=ISSUER,
        audience=AUDIENCE,
        tenant=TENANT,
        jwks={"keys": [key.as_dict(private=False)]},
        algorithms=["ES256"],
    )


def mint(
    data_dir: Path, subject: str, client_id: str, scopes: Iterable[str], expires_in: int, tenant: str = TENANT
) -> str:
    """Returns a token of the development issuer. `expires_in` is in seconds.

    `auth_time` is now, so the token is good for mutations that need a recent sign-in.
    """
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "azp": client_id,
        "iat": now,
        "exp": now + expires_in,
        "auth_time": now,
        "scope": " ".join(scopes),
        TENANT_CLAIM: tenant,
    }
    return jwt.encode({"alg": "ES256", "kid": "development", "typ": "at+jwt"}, claims, load_key(data_dir))
