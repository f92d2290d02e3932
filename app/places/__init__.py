"""Places where people are served (stations, centres, bases): units with a point on the map."""
