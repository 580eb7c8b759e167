"""Idempotency of recordLogin: a repeated request with the same key gets the stored result and records nothing."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256

from app.domain.ids import Key
from app.domain.logins import IdempotencyRecord
from app.domain.principals import Principal
from app.services.login_reports import LoginReport, invalid
from app.store.logins import LoginStore


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request with an idempotency key. `client` is the caller, and `hash` is the SHA-256 of the rest of the input."""

    tenant: str
    client: str
    key: str
    hash: str

    def to_record(self, user: Key, created: bool, event: Key, at: datetime) -> IdempotencyRecord:
        """Returns the record that makes the next request with this key get the same result."""
        return IdempotencyRecord(self.tenant, self.client, self.key, self.hash, user, created, event, at)


def read_request(caller: Principal, report: LoginReport) -> IdempotentRequest | None:
    """Returns None for a report without an idempotency key."""
    if report.idempotency_key is None:
        return None
    content = {name: value for name, value in asdict(report).items() if name != "idempotency_key"}
    hash = sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
    # Two clients that happen to use the same key must not get each other's results.
    return IdempotentRequest(caller.tenant, caller.client_id or caller.subject, report.idempotency_key, hash)


async def find_record(logins: LoginStore, request: IdempotentRequest | None) -> IdempotencyRecord | None:
    """Returns the result of an earlier login with this idempotency key, if there is one.

    Raises Refused with INVALID_INPUT when the key was used for a different input.
    """
    if request is None:
        return None
    found = await logins.find_record(request.tenant, request.client, request.key)
    if found is not None and found.hash != request.hash:
        raise invalid("This idempotency key was used before with a different input.", "idempotencyKey")
    return found
