"""The web process of the benchmark: the product's own, with the views of bench/floor.py."""

from bench import floor
from wsgi import application as product

application = floor.beside(product)
