"""The end of a rotation of PROFILE_API_SECRET: encrypts the stored provider tokens of the previous secret again."""

from asyncio import sleep
from collections.abc import AsyncIterator

from pymongo import UpdateOne

from app.domain.ids import Key
from app.domain.users import PROVIDER_TOKENS
from app.settings import ConfigurationError
from app.store.database import Database, driver_errors, no_time_limit
from app.store.token_cipher import TokenCipher

_MAX_PASSES = 5
_BATCH = 500
_UNREADABLE = (
    "Provider tokens that neither PROFILE_API_SECRET nor PROFILE_API_SECRET_PREVIOUS decrypts: {}. Check both secrets."
    " If the secret of these tokens is lost, unset PROFILE_API_SECRET_PREVIOUS: the tokens are null until the next"
    " login of their users."
)
_STILL_USED = (
    "PROFILE_API_SECRET_PREVIOUS is still used: a process encrypts tokens with it. Restart every process of the"
    " service with both secrets, and run `profile-api migrate` again."
)


async def renew_tokens(database: Database, cipher: TokenCipher, pause: float) -> int:
    """Encrypts tokens again until none needs the previous secret. Returns how many did. It can be repeated.

    `pause` is as long as a request may take: one that read a token before may write it back until then.

    ConfigurationError when a process goes on to write tokens of the previous secret, or when neither secret decrypts
    a token: the previous secret may be wrong, and the operator must not throw the right one away.
    """
    total = 0
    for _ in range(_MAX_PASSES):
        renewed, unreadable = await _renew_once(database, cipher)
        total += renewed
        if not renewed and unreadable:
            raise ConfigurationError(_UNREADABLE.format(unreadable))
        if not renewed:
            return total
        await sleep(pause)
    raise ConfigurationError(_STILL_USED)


async def _renew_once(database: Database, cipher: TokenCipher) -> tuple[int, int]:
    """Returns how many tokens were encrypted again, and how many neither secret decrypts."""
    renewed, unreadable, updates = 0, 0, list[UpdateOne]()
    with driver_errors(), no_time_limit():
        async for user, name, token in _stored_tokens(database):
            new = cipher.renew(token)
            if new is None:
                unreadable += 1
            elif new != token:
                updates.append(_replacement(user, name, token, new))
            if len(updates) >= _BATCH:
                renewed += await _write(database, updates)
                updates = []
        return renewed + await _write(database, updates), unreadable


async def _stored_tokens(database: Database) -> AsyncIterator[tuple[Key, str, str]]:
    """The user, the field and the value of each token: of every tenant, and of linked profiles too."""
    fields = [f"identities.{name}" for name in PROVIDER_TOKENS]
    has_tokens = {"$or": [{each: {"$exists": True}} for each in fields]}
    async for user in database["users"].find(has_tokens, dict.fromkeys(fields, 1)):
        for name in PROVIDER_TOKENS:
            for token in {each[name] for each in user["identities"] if name in each}:
                yield user["_id"], name, token


def _replacement(user: Key, name: str, old: str, new: str) -> UpdateOne:
    """Replaces only the token that was read: a newer one, which a login wrote meanwhile, stays."""
    where = {"_id": user, f"identities.{name}": old}
    return UpdateOne(where, {"$set": {f"identities.$[each].{name}": new}}, array_filters=[{f"each.{name}": old}])


async def _write(database: Database, updates: list[UpdateOne]) -> int:
    if not updates:
        return 0
    written = await database["users"].bulk_write(updates, ordered=False)
    return int(written.modified_count)
