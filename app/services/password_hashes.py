"""Hashing passwords: Argon2id (RFC 9106), in threads; bcrypt is read, and made anew."""

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

# What bcrypt reads of a password.
_BCRYPT_BYTES = 72
_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}", re.ASCII)
_MAX_HASH = 512
_MAX_KIB, _MAX_PASSES, _MAX_LANES = 262_144, 10, 16
# What waits for a core: in all, and of one caller. More would not be done before an operation's time is over.
_MAX_WAITING, _MAX_WAITING_OF_ONE = 1_000, 100


class PasswordHashes:
    """At most one hash a core at a time; each takes 64 MiB for about a tenth of a second.

    `caller` is whose turn it is: callers take turns. Raises what `FairQueue.run` does.
    """

    def __init__(self) -> None:
        # One lane: the other cores have hashes of their own to make.
        self._hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)
        self._queue = FairQueue(os.cpu_count() or 1, _MAX_WAITING, _MAX_WAITING_OF_ONE)
        # Of no password: its salt and its digest have nothing to do with each other.
        salt, digest = (b64encode(os.urandom(size)).decode().rstrip("=") for size in (16, 32))
        self._nobody = f"$argon2id$v=19$m=65536,t=3,p=1${salt}${digest}"

    async def hash(self, caller: str, password: str) -> str:
        """In PHC form: `$argon2id$...`."""
        return await self._queue.run(caller, self._hash, password)

    async def verify(self, caller: str, hash: str | None, password: str, bcrypt_hash: str | None = None) -> bool:
        """Without a hash: False, after as long as a wrong password takes. `bcrypt_hash` is anybody's, where some
        accounts still have one: then each password is tried with both kinds, whichever its account has.
        """
        return await self._queue.run(caller, self._verify, hash, password, bcrypt_hash)

    async def find_problem(self, caller: str, password: str, words: list[str]) -> PasswordProblem | None:
        """As `password_strength.find_problem`."""
        return await self._queue.run(caller, find_problem, normalized(password), words)

    def is_outdated(self, hash: str) -> bool:
        """Whether the password should be hashed anew, now that it is known."""
        return _is_bcrypt(hash) or self._hasher.check_needs_rehash(hash)

    def _hash(self, password: str) -> str:
        return self._hasher.hash(normalized(password))

    def _verify(self, hash: str | None, password: str, bcrypt_hash: str | None) -> bool:
        is_bcrypt = hash is not None and _is_bcrypt(hash)
        by_argon2 = self._is_argon2_of(self._nobody if hash is None or is_bcrypt else hash, password)
        by_bcrypt = False
        if hash is not None and is_bcrypt:
            by_bcrypt = _is_bcrypt_of(hash, password)
        elif bcrypt_hash is not None:
            _is_bcrypt_of(bcrypt_hash, password)
        return by_bcrypt if is_bcrypt else by_argon2 and hash is not None

    def _is_argon2_of(self, hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash, normalized(password).encode("utf-8", "replace"))
        except (VerificationError, InvalidHashError):
            return False


def _is_bcrypt_of(hash: str, password: str) -> bool:
    return bcrypt.checkpw(password.encode("utf-8", "replace")[:_BCRYPT_BYTES], hash.encode())


def check_hash(hash: str, path: str) -> str:
    """Of another system: bcrypt of cost 4 to 14, or Argon2id in PHC form of at most 256 MiB, 10 passes and 16 lanes, so
    that no hash that was brought along keeps a core busy. Refused with INVALID_INPUT and `path`.
    """
    if not (_BCRYPT.fullmatch(hash) or _is_taken_argon2(hash)):
        message = (
            "A hash is bcrypt of cost 4 to 14, or Argon2id in PHC form of at most 256 MiB, 10 passes and 16 lanes."
        )
        raise Refused(ErrorCode.INVALID_INPUT, message, (path,))
    return hash


def _is_taken_argon2(hash: str) -> bool:
    if len(hash) > _MAX_HASH or not hash.isascii():
        return False
    try:
        found = extract_parameters(hash)
    except InvalidHashError:
        return False
    most = found.memory_cost <= _MAX_KIB and found.time_cost <= _MAX_PASSES and found.parallelism <= _MAX_LANES
    return most and found.type is Type.ID and hash.count("$") == 5


def _is_bcrypt(hash: str) -> bool:
    return hash.startswith(("$2a$", "$2b$", "$2y$"))
