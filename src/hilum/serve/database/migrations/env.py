"""Alembic's environment: migrations run on the connection that the caller holds."""

from alembic import context

from hilum.serve.database.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    version_table="hilum_version",
)
with context.begin_transaction():
    context.run_migrations()
