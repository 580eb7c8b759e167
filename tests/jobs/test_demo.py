"""The demo data."""

from app.domain.times import now
from app.jobs.demo.users import make_generated_users, make_one_of_each_connection


def test_demo_users_have_no_picture_on_another_host() -> None:
    users = [*make_one_of_each_connection(now()), *make_generated_users(now())]
    assert {(each.picture, each.provenance.get("picture")) for each in users} == {(None, None)}
