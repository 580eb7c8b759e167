"""Finishes a rotation of PROFILE_API_SECRET: encrypts stored provider tokens again that need the previous secret."""

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
    "Neither PROFILE_API_SECRET nor PROFILE_API_SECRET_PREVIOUS decrypts {} of the stored provider tokens. Check both"
    " secrets. If the secret of these tokens is lost, unset PROFILE_API_SECRET_PREVIOUS: then these tokens are null"
    " until their users log in again."
)
_STILL_USED = (
    "A process of the service still encrypts tokens with the previous secret. Restart every process of the service with"
    " PROFILE_API_SECRET and PROFILE_API_SECRET_PREVIOUS, and run `profile-api migrate` again."
)


async def renew_tokens(database: Database, cipher: TokenCipher, pause: float) -> int:
    """Encrypts tokens again until none needs the previous secret. Returns how many it encrypted. May be repeated.

    `pause` is the longest time, in seconds, that a request may take.

    Raises ConfigurationError when another process keeps writing tokens of the previous secret, or when neither secret
    decrypts a token.
    """
    total = 0
    for _ in range(_MAX_PASSES):
        renewed, unreadable = await _renew_once(database, cipher)
        total += renewed
        # An unreadable token is an error: the previous secret may be mistyped, and after a success the operator would
        # delete the right one.
        if not renewed and unreadable:
            raise ConfigurationError(_UNREADABLE.format(unreadable))
        if not renewed:
            return total
        # A request that read a token before this pass may write it back. Another pass finds it.
        await sleep(pause)
    raise ConfigurationError(_STILL_USED)


async def _renew_once(database: Database, cipher: TokenCipher) -> tuple[int, int]:
    """Returns the number of tokens that were encrypted again, and of those that neither secret decrypts."""
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
    """Yields the user, the field and the value of each token, for all tenants and for linked profiles too."""
    fields = [f"identities.{name}" for name in PROVIDER_TOKENS]
    has_tokens = {"$or": [{each: {"$exists": True}} for each in fields]}
    async for user in database["users"].find(has_tokens, dict.fromkeys(fields, 1)):
        for name in PROVIDER_TOKENS:
            for token in {each[name] for each in user["identities"] if name in each}:
                yield user["_id"], name, token


def _replacement(user: Key, name: str, old: str, new: str) -> UpdateOne:
    """Makes the update that replaces one token."""
    # The old token is part of the query: a newer token, which a login wrote in the meantime, must stay.
    where = {"_id": user, f"identities.{name}": old}
    return UpdateOne(where, {"$set": {f"identities.$[each].{name}": new}}, array_filters=[{f"each.{name}": old}])


async def _write(database: Database, updates: list[UpdateOne]) -> int:
    if not updates:
        return 0
    written = await database["users"].bulk_write(updates, ordered=False)
    return int(written.modified_count)
