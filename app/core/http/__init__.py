"""The thin API's machinery: what every request passes before a view, and every answer after it."""
