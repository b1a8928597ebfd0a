"""Postgres: tables, tenant-scoped transactions, the batch writer, queries, migrations. Only here is SQL spoken."""
