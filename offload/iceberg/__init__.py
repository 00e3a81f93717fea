"""The adapter to Iceberg tables: the catalog, the commit, the schema, the data files."""
