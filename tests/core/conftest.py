"""The application with the toy blueprint, on SQLite."""

import pytest
from flask.testing import FlaskClient

from app.core import db
from tests.toy_api import app_with_toy


@pytest.fixture
def client(sqlite: db.Database) -> FlaskClient:
    """A client of the application with the toy; what it asks touches no rows."""
    return app_with_toy().test_client()
