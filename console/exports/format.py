"""The file formats of an export."""

from enum import StrEnum


class Format(StrEnum):
    """The file format."""

    CSV = "csv"
    """Text with a header line; times are ISO 8601 in UTC, NULL is an empty field."""
    PARQUET = "parquet"
    """Apache Parquet, compressed with zstd; times are UTC to the microsecond."""
