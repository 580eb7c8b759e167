"""Password hashes: creates Argon2id hashes (RFC 9106) and verifies Argon2id and bcrypt hashes, in threads."""

import os
import re
from base64 import b64encode

import bcrypt
from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from app.domain.errors import ErrorCode, Refused
from app.domain.passwords import PasswordProblem, normalized
from app.services.fair_queue import FairQueue
from app.services.password_strength import find_problem

# bcrypt uses only the first bytes of a password.
_BCRYPT_BYTES = 72
_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}", re.ASCII)
_MAX_HASH = 512
_MAX_KIB, _MAX_PASSES, _MAX_LANES = 262_144, 10, 16
# Maximum number of waiting jobs, in total and for one caller. More jobs could not run before their operations time out.
_MAX_WAITING, _MAX_WAITING_OF_CALLER = 1_000, 100


class PasswordHashes:
    """Creates and verifies hashes. Every method that takes `caller` raises what `FairQueue.run` raises.

    Each core computes at most one hash at a time. A hash needs 64 MiB and takes about a tenth of a second. `caller`
    names the caller: when jobs wait, callers take turns.
    """

    def __init__(self) -> None:
        # One lane (thread) per hash: the other cores compute other hashes.
        self._hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)
        self._queue = FairQueue(os.cpu_count() or 1, _MAX_WAITING, _MAX_WAITING_OF_CALLER)
        # A hash for users who do not exist. Salt and digest are random, so no password matches it.
        salt, digest = (b64encode(os.urandom(size)).decode().rstrip("=") for size in (16, 32))
        self._unmatched = f"$argon2id$v=19$m=65536,t=3,p=1${salt}${digest}"

    async def hash(self, caller: str, password: str) -> str:
        """Returns the hash of a new password in PHC form: `$argon2id$...`."""
        return await self._queue.run(caller, self._hash, password)

    async def verify(self, caller: str, hash: str | None, password: str, bcrypt_hash: str | None = None) -> bool:
        """Returns whether the password has this hash. `hash` is None for a user or password that does not exist.

        `bcrypt_hash` is the hash of any account, when the tenant still has accounts with bcrypt hashes.
        """
        return await self._queue.run(caller, self._verify, hash, password, bcrypt_hash)

    async def find_problem(self, caller: str, password: str, words: list[str]) -> PasswordProblem | None:
        """Returns the result of `password_strength.find_problem`."""
        return await self._queue.run(caller, find_problem, normalized(password), words)

    def is_outdated(self, hash: str) -> bool:
        """Returns whether the hash is of an old kind, so that the password should be hashed again when it is known."""
        return _is_bcrypt(hash) or self._hasher.check_needs_rehash(hash)

    def _hash(self, password: str) -> str:
        return self._hasher.hash(normalized(password))

    def _verify(self, hash: str | None, password: str, bcrypt_hash: str | None) -> bool:
        # Every call takes equally long: otherwise the time would show whether a user exists, or which kind of hash the
        # account has. So the password is tried with a hash that nothing matches when there is none, and with both
        # kinds while the tenant has bcrypt hashes.
        is_bcrypt = hash is not None and _is_bcrypt(hash)
        by_argon2 = self._matches_argon2(self._unmatched if hash is None or is_bcrypt else hash, password)
        by_bcrypt = False
        if hash is not None and is_bcrypt:
            by_bcrypt = _matches_bcrypt(hash, password)
        elif bcrypt_hash is not None:
            _matches_bcrypt(bcrypt_hash, password)
        return by_bcrypt if is_bcrypt else by_argon2 and hash is not None

    def _matches_argon2(self, hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash, normalized(password).encode("utf-8", "replace"))
        except (VerificationError, InvalidHashError):
            return False


def _matches_bcrypt(hash: str, password: str) -> bool:
    return bcrypt.checkpw(password.encode("utf-8", "replace")[:_BCRYPT_BYTES], hash.encode())


def check_hash(hash: str, path: str) -> str:
    """Returns the hash of another system. Raises Refused with INVALID_INPUT and `path` when it is not accepted.

    It must be bcrypt with cost 4 to 14, or Argon2id in PHC form with at most 256 MiB, 10 passes and 16 lanes.
    """
    # The limits prevent that verifying one password with an imported hash keeps a core busy or uses all memory.
    if not (_BCRYPT.fullmatch(hash) or _is_accepted_argon2(hash)):
        message = (
            "The hash must be bcrypt with cost 4 to 14, or Argon2id in PHC form with at most 256 MiB, 10 passes and"
            " 16 lanes."
        )
        raise Refused(ErrorCode.INVALID_INPUT, message, (path,))
    return hash


def _is_accepted_argon2(hash: str) -> bool:
    if len(hash) > _MAX_HASH or not hash.isascii():
        return False
    try:
        found = extract_parameters(hash)
    except InvalidHashError:
        return False
    is_within_limits = (
        found.memory_cost <= _MAX_KIB and found.time_cost <= _MAX_PASSES and found.parallelism <= _MAX_LANES
    )
    return is_within_limits and found.type is Type.ID and hash.count("$") == 5


def _is_bcrypt(hash: str) -> bool:
    return hash.startswith(("$2a$", "$2b$", "$2y$"))
