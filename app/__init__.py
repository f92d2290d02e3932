"""呼应 Huying: a case management system for grassroots governance around a workflow engine.

`create_app()` below is the table of contents of the web process.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

__version__ = "0.1.0"


def wire() -> None:
    """Tells the rooms of each other: where versions come from, who listens to what. As often as you like."""
    from app import bundles, exchange, notices, periodic, polls, publications, reports
    from app.audit import streams
    from app.cases import under_units
    from app.clocks import calendars
    from app.crypto import kept
    from app.policies import swapping

    bundles.install()
    streams.install()
    under_units.install()
    calendars.install()
    exchange.install()
    notices.install()
    reports.install()
    publications.install()
    polls.install()
    swapping.install()
    kept.install()
    periodic.install()


def begin() -> None:
    """What a process checks before it serves: settings, other systems, algorithms, keys. SettingRefused."""
    from app.core.config import settings

    settings().database()  # before what takes long to load
    from app.core import startup
    from app.crypto import selftest
    from app.exchange import endpoints
    from app.notices import rules

    endpoints.configured()
    rules.begin()
    selftest.begin()
    startup.begin()


def create_app() -> "Flask":
    """The web application: gate and problems around everything, then one blueprint a noun."""
    # Imported here: whoever needs one room (a worker, a command, a test) need not load the whole house.
    from flask import Flask

    from app.audit import door as audit
    from app.cases import clocks_api as clocks
    from app.cases import moves_api as cases
    from app.cases import repeats_api as repeats
    from app.cases.accounts import api as accounts
    from app.cases.attachments import api as attachments
    from app.cases.batches import api as batches
    from app.cases.calendars import api as calendars
    from app.cases.copies import api as copies
    from app.cases.external import api as external
    from app.cases.handing import api as handing
    from app.cases.incidents import api as incidents
    from app.cases.letters import api as letters
    from app.cases.links import api as links
    from app.cases.marks import api as marks
    from app.cases.notes import api as notes
    from app.cases.phrases import api as phrases
    from app.cases.requests import api as requests
    from app.cases.resting import api as resting
    from app.cases.search import api as search
    from app.cases.search import saved_api as filters
    from app.cases.secrets import api as secrets
    from app.cases.splitting import api as splitting
    from app.cases.suggestions import api as suggestions
    from app.cases.urging import api as urging
    from app.cases.voting import api as voting
    from app.categories import api as categories
    from app.core.http import access_log, api, front, gate, health, problem, waiting
    from app.exchange import api as exchange
    from app.identity import api as identity
    from app.identity import login
    from app.inspection import api as inspection
    from app.notices import api as notices
    from app.notices import deliveries_api as notice_deliveries
    from app.places import api as places
    from app.policies import api as policies
    from app.policies import swaps_api as policy_swaps
    from app.polls import api as polls
    from app.processes import api as processes
    from app.publications import api as publications
    from app.publications import managing_api as managing_publications
    from app.reports import api as reports
    from app.reports import forecast_api as forecast
    from app.reports import months_api, pauses_api, points_api
    from app.residents import api as my_matters
    from app.residents import letters_api as my_letters
    from app.residents import membership_api as memberships
    from app.schedules import api as schedules
    from app.substitutes import api as substitutes

    wire()
    app = Flask(__name__, static_folder=None)
    problem.install(app)
    audit.install(app)
    access_log.install(app)
    waiting.install(app)
    gate.install(app, login.authenticate)

    document = api.create_api(app, title="呼应 Huying", version=__version__)
    document.register_blueprint(identity.sessions)
    document.register_blueprint(identity.organisation)
    document.register_blueprint(accounts.blp)
    document.register_blueprint(substitutes.blp)
    document.register_blueprint(search.blp)
    document.register_blueprint(filters.blp)
    document.register_blueprint(copies.blp)
    document.register_blueprint(batches.blp)
    document.register_blueprint(handing.blp)
    document.register_blueprint(voting.blp)
    document.register_blueprint(polls.blp)
    document.register_blueprint(places.blp)
    document.register_blueprint(publications.blp)
    document.register_blueprint(managing_publications.blp)
    document.register_blueprint(marks.blp)
    document.register_blueprint(requests.blp)
    document.register_blueprint(resting.blp)
    document.register_blueprint(urging.blp)
    document.register_blueprint(cases.blp)
    document.register_blueprint(clocks.blp)
    document.register_blueprint(repeats.blp)
    document.register_blueprint(incidents.blp)
    document.register_blueprint(external.blp)
    document.register_blueprint(notes.blp)
    document.register_blueprint(letters.blp)
    document.register_blueprint(links.blp)
    document.register_blueprint(phrases.blp)
    document.register_blueprint(splitting.blp)
    document.register_blueprint(suggestions.blp)
    document.register_blueprint(attachments.blp)
    document.register_blueprint(secrets.blp)
    document.register_blueprint(categories.blp)
    document.register_blueprint(calendars.blp)
    document.register_blueprint(processes.blp)
    document.register_blueprint(exchange.blp)
    document.register_blueprint(notices.blp)
    document.register_blueprint(notice_deliveries.blp)
    document.register_blueprint(schedules.blp)
    document.register_blueprint(forecast.blp)
    document.register_blueprint(reports.blp)
    document.register_blueprint(months_api.blp)
    document.register_blueprint(points_api.blp)
    document.register_blueprint(pauses_api.blp)
    document.register_blueprint(policies.blp)
    document.register_blueprint(policy_swaps.blp)
    document.register_blueprint(inspection.blp)
    document.register_blueprint(my_matters.blp)
    document.register_blueprint(my_letters.blp)
    document.register_blueprint(memberships.blp)
    processes.install(app)
    health.install(app, __version__)
    front.install(app)
    return app
