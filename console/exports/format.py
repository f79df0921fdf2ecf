"""The kinds of file that an export can be."""

from enum import StrEnum


class Format(StrEnum):
    """What kind of file is written."""

    CSV = "csv"
    """Text with a heading line; times are ISO 8601 in UTC, nothing is an empty field."""
    PARQUET = "parquet"
    """Apache Parquet, compressed with zstd; times are UTC to the microsecond."""
