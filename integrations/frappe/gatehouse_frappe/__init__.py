"""Signs in whom a Gatehouse in front of this site has authenticated."""

__version__ = "0.1.0"
