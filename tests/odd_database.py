"""A database whose administrator has set what people set, and an environment that does the same."""

import psycopg

ODD = {
    "datestyle": "German, DMY",
    "client_encoding": "LATIN1",
    "timezone": "Asia/Kolkata",
    "bytea_output": "escape",
    "intervalstyle": "iso_8601",
    "standard_conforming_strings": "off",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "extra_float_digits": "-15",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "row_security": "off",
    "plan_cache_mode": "force_generic_plan",
    "session_replication_role": "replica",
}
ENVIRONMENT = {
    "PGCLIENTENCODING": "LATIN1",
    "PGDATESTYLE": "German, DMY",
    "PGTZ": "America/Caracas",
    "PGOPTIONS": "-c bytea_output=escape -c default_transaction_read_only=on -c intervalstyle=iso_8601",
}


def make_odd(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        # A function we use that another schema redefines, and a search path that finds that one first.
        connection.execute(
            "CREATE FUNCTION public.pg_advisory_xact_lock(bigint) RETURNS void LANGUAGE plpgsql AS "
            "$$BEGIN RAISE 'somebody else''s'; END$$"
        )
        connection.execute(f"ALTER DATABASE {name} SET search_path = public, pg_catalog".encode())
        for setting, value in ODD.items():
            connection.execute(f"ALTER DATABASE {name} SET {setting} = '{value}'".encode())
