"""The rules that turn facts into rows. Pure: no clock, no database."""
