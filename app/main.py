"""Creates the ASGI application from the parts that `app.composition` builds."""

import os
from collections.abc import Callable

from starlette.types import ASGIApp

from app.auth.development import check_development
from app.composition.engine import build_engine
from app.composition.metrics import build_metrics
from app.composition.outbox import build_outbox_sender, outbox_jobs
from app.composition.rates import build_anonymous_rates
from app.composition.secrets import build_tokens
from app.composition.services import build_services
from app.composition.web import build_web
from app.jobs.roles import ClearRoles
from app.lifespan import Refuse, ServiceLifespan, end_process
from app.settings import DEMO_VARIABLE, ConfigurationError, Settings, load_settings
from app.store.database import Database
from app.store.embedded.instance import wait_for_url
from app.store.roles import RoleStore
from app.web.logs import configure_logs

WhenStopping = Callable[[Callable[[], None]], None]


def create(refuse: Refuse = end_process, when_stopping: WhenStopping = lambda _: None) -> ASGIApp:
    """Creates the ASGI application that uvicorn runs. Raises ConfigurationError for a mistake in the environment.

    `refuse` is called if this service must not use the database. `when_stopping` receives functions. They must be
    called when the service begins to stop, before it waits for running requests.
    """
    settings = load_settings()
    configure_logs(settings.log_format)
    # Demo data is for this process, or for a worker of the process, that `serve --demo` started.
    demo = os.environ.get(DEMO_VARIABLE) in (str(os.getpid()), str(os.getppid()))
    url = settings.mongodb_url or wait_for_url(settings.data_dir)
    if url is None:
        raise ConfigurationError(
            "There is no database. Start with `profile-api serve`, or set PROFILE_API_MONGODB_URL."
        )
    return build(settings, Database.connect(url, settings.database), demo, refuse, when_stopping)


def build(
    settings: Settings,
    database: Database,
    demo: bool = False,
    refuse: Refuse = end_process,
    when_stopping: WhenStopping = lambda _: None,
) -> ASGIApp:
    """Creates the ASGI application with this database."""
    development = check_development(settings, demo)
    tokens = build_tokens(settings, development)
    clear_roles = ClearRoles(RoleStore(database))
    outbox_sender = build_outbox_sender(settings, database, development)
    # The sender stops before the service waits for requests: sending another e-mail could take too long.
    when_stopping(outbox_sender.stop)
    services = build_services(settings, database, development, tokens, clear_roles.wake)
    anonymous_rates = build_anonymous_rates(settings, database, development)
    engine = build_engine(settings, database, development, services, anonymous_rates)
    metrics = build_metrics(tokens, engine, database)
    jobs = [clear_roles.run, *outbox_jobs(settings, development, outbox_sender)]
    lifespan = ServiceLifespan(settings, database, development, demo, tokens, metrics, jobs, refuse)
    return build_web(lifespan, engine, services.tickets, services.passwords, anonymous_rates)
