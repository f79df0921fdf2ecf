"""The web console: pages for people who don't write SQL. A process of its own, `python -m console`."""
