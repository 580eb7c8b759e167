"""The demo data: what it does not hold."""

from app.domain.times import now
from app.jobs.demo import _generated, _one_each


def test_demo_users_have_no_picture_on_another_host() -> None:
    users = [*_one_each(now()), *_generated(now())]
    assert {(each.picture, each.provenance.get("picture")) for each in users} == {(None, None)}
