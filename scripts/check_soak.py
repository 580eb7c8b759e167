"""Runs a mixed load on a service, and fails if the memory of the service grows.

Callers read profiles, pages and histories, change metadata, log in, and send documents that are refused. The memory is
measured all the time. The growth after the warm-up, from a regression line through the samples, must be below the
limit.
"""

import argparse
import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from app.auth.development import APPLICATION_SCOPES, USER_SCOPES, mint
from app.auth.tokens import MAX_REMEMBERED
from app.domain.demo import JOHN_DOE
from scripts.edge_attacks import resident
from tests.serving import Served, serve

_CALLERS = 8
_SAMPLE_SECONDS = 2.0
_READS = (
    "{ viewer { userId version name email userMetadata identities { provider connection } roles { name } } }",
    "{ viewer { logEvents(first: 25) { nodes { date type changes { path before after } } } } }",
    "{ viewer { devices { nodes { name lastUsedAt } } raw permissions { name sources { type } } } }",
)
_PAGES = (
    "query($after: String) { users(first: 50, after: $after) { nodes { userId name email } pageInfo { endCursor } } }",
    "{ roles { nodes { name users(first: 5) { nodes { name } } } } }",
    "{ logEvents(first: 50) { nodes { type date userId ip } totalCount { value } } }",
)
_METADATA = (
    "mutation($patch: JSON!) { updateUserMetadata(input: {patch: $patch}) { user { version } errors { code } } }"
)
_LOGIN = "mutation($i: RecordLoginInput!) { recordLogin(input: $i) { created errors { code } } }"


async def _send(client: httpx.AsyncClient, token: str, query: str, **variables: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"}
    return await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)


async def _call(client: httpx.AsyncClient, token: str, query: str, **variables: Any) -> Any:
    """Sends a request and returns the data. The answer must have no errors."""
    answer = (await _send(client, token, query, **variables)).json()
    assert "errors" not in answer, str(answer)[:300]
    for payload in answer["data"].values():
        assert not payload.get("errors"), str(answer)[:300]
    return answer["data"]


async def _fill(served: Served) -> None:
    """Fills the cache of tokens, so that its growth is not measured."""
    async with httpx.AsyncClient(base_url=served.url, timeout=60) as client:
        for number in range(MAX_REMEMBERED):
            token = mint(served.data_dir, JOHN_DOE, f"fill{number}", USER_SCOPES, 8 * 3600)
            await _call(client, token, "{ viewer { userId } }")


async def _caller(served: Served, number: int, until: float, counts: Counter[str]) -> None:
    user = mint(served.data_dir, JOHN_DOE, "soak", USER_SCOPES, 8 * 3600)
    application = mint(served.data_dir, f"soak{number}@clients", f"soak{number}", APPLICATION_SCOPES, 8 * 3600)
    after: str | None = None
    async with httpx.AsyncClient(base_url=served.url, timeout=60) as client:
        for count in itertools.count():
            if time.monotonic() > until:
                return
            for query in _READS:
                await _call(client, user, query)
            page = await _call(client, application, _PAGES[0], after=after)
            after = page["users"]["pageInfo"]["endCursor"]
            for query in _PAGES[1:]:
                await _call(client, application, query)
            await _call(client, user, _METADATA, patch={"soak": {f"k{number}": count}})
            login = {"connection": "google-oauth2", "profile": {"sub": f"{number}-{count % 500}", "name": f"N {count}"}}
            await _call(client, application, _LOGIN, i=login)
            # Two documents that the service has not seen before: one is valid, the other is not.
            await _call(client, user, f"query Q{number}x{count} {{ viewer {{ userId }} }}")
            refused = await _send(client, user, f"{{ viewer {{ nope{number}x{count} }} }}")
            assert "GRAPHQL_VALIDATION_FAILED" in refused.text, refused.text[:300]
            # A token that the service has not seen before.
            if count % 20 == 0:
                user = mint(served.data_dir, JOHN_DOE, "soak", USER_SCOPES, 8 * 3600)
            counts["requests"] += 9


async def _sample(pid: int, until: float, samples: list[tuple[float, float]]) -> None:
    began = time.monotonic()
    while time.monotonic() < until:
        samples.append((time.monotonic() - began, resident(pid) / 1e6))
        await asyncio.sleep(_SAMPLE_SECONDS)


async def _soak(served: Served, seconds: float) -> tuple[list[tuple[float, float]], Counter[str]]:
    await _fill(served)
    until, samples, counts = time.monotonic() + seconds, list[tuple[float, float]](), Counter[str]()
    callers = [_caller(served, number, until, counts) for number in range(_CALLERS)]
    await asyncio.gather(_sample(served.process.pid, until, samples), *callers)
    return samples, counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="duration of the load")
    parser.add_argument(
        "--warm-up",
        type=float,
        default=5.0,
        help="minutes at the beginning in which memory may grow, because caches fill",
    )
    parser.add_argument("--limit", type=float, default=10.0, help="MB by which memory may grow after the warm-up")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder), "--demo") as served:
        samples, counts = asyncio.run(_soak(served, given.minutes * 60))
    step = max(1, len(samples) // 20)
    for at, megabytes in samples[::step]:
        print(f"{at / 60:6.1f} min  {megabytes:6.1f} MB")
    warm = [each for each in samples if each[0] >= given.warm_up * 60]
    slope, _ = statistics.linear_regression([at for at, _ in warm], [megabytes for _, megabytes in warm])
    grown = slope * (warm[-1][0] - warm[0][0])
    print(f"{counts['requests']} requests; memory grew by {grown:+.1f} MB after the warm-up")
    if grown > given.limit:
        sys.exit(f"Memory grew by {grown:.1f} MB. The limit is {given.limit:g} MB.")


if __name__ == "__main__":
    main()
