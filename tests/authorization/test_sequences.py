"""Random sequences of operations by users and applications, compared with an oracle of the authorization rules."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from app.main import build
from app.settings import Settings
from app.store.database import Database
from tests.authorization.sequences import sequences
from tests.authorization.stage import UNLIMITED, Report, Stage

SEQUENCES = 60


@pytest.fixture(scope="session")
async def unlimited(settings: Settings, database: Database) -> Any:
    app = build(settings.model_copy(update=UNLIMITED), database)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:
        yield client


def case(number: int) -> Callable[..., Any]:
    @seed(number)
    @settings(
        max_examples=SEQUENCES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(sequence=sequences())
    async def test(sequence: Any, database: Database, unlimited: httpx.AsyncClient, data_dir: Path) -> None:
        report, (setting, steps) = Report(), sequence
        await Stage(database, unlimited, data_dir, setting).run(steps, report)
        assert not report.differences, "\n" + report.differences[0]

    return test


test_sequences_are_as_the_oracle_says_1 = case(1)
test_sequences_are_as_the_oracle_says_2 = case(2)
test_sequences_are_as_the_oracle_says_3 = case(3)
test_sequences_are_as_the_oracle_says_4 = case(4)
