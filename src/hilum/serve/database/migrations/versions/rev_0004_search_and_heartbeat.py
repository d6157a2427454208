"""an index for the worklist's text search, and the heartbeat of the workers."""

import logging

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

LOG = logging.getLogger(__name__)
BATCH = 2000
TRIGRAMS = (
    "CREATE VIRTUAL TABLE study_texts_index USING fts5("
    "text, content='study_texts', content_rowid='number', tokenize='trigram')",
    "CREATE TRIGGER study_texts_added AFTER INSERT ON study_texts BEGIN "
    "INSERT INTO study_texts_index(rowid, text) VALUES (new.number, new.text); END",
    "CREATE TRIGGER study_texts_removed AFTER DELETE ON study_texts BEGIN "
    "INSERT INTO study_texts_index(study_texts_index, rowid, text) "
    "VALUES ('delete', old.number, old.text); END",
    "CREATE TRIGGER study_texts_changed AFTER UPDATE ON study_texts BEGIN "
    "INSERT INTO study_texts_index(study_texts_index, rowid, text) "
    "VALUES ('delete', old.number, old.text); "
    "INSERT INTO study_texts_index(rowid, text) VALUES (new.number, new.text); END",
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "workers",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "study_texts",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("study_id"),
    )
    connection = op.get_bind()
    _add_index(connection)
    _fill(connection)


def _add_index(connection: sa.Connection) -> None:
    """Trigrams where the database has them; without, the narrow table is looked through."""
    is_sqlite = connection.dialect.name == "sqlite"
    statements = (
        TRIGRAMS
        if is_sqlite
        else (
            "CREATE EXTENSION IF NOT EXISTS pg_trgm",
            "CREATE INDEX ix_study_texts_trigrams ON study_texts USING gin (text gin_trgm_ops)",
        )
    )
    try:
        with connection.begin_nested():
            for statement in statements:
                connection.execute(sa.text(statement))
    except sa.exc.DBAPIError:
        LOG.warning("the database has no trigrams (FTS5 or pg_trgm): searches take longer")


def _fill(connection: sa.Connection) -> None:
    """The texts of the studies that are there, as ``database.search`` writes them."""
    columns = ("patient_name", "patient_id", "accession", "description", "indication")
    studies = sa.table("studies", sa.column("id"), *(sa.column(name) for name in columns))
    texts = sa.table("study_texts", sa.column("study_id"), sa.column("text"))
    last = ""
    while True:
        query = sa.select(studies).where(studies.c.id > last).order_by(studies.c.id).limit(BATCH)
        rows = connection.execute(query).all()
        if not rows:
            return
        last = rows[-1].id
        values = [
            {"study_id": row[0], "text": "\n".join(str(part or "") for part in row[1:]).lower()}
            for row in rows
        ]
        connection.execute(texts.insert(), values)


def downgrade() -> None:
    """Take back."""
    if op.get_bind().dialect.name == "sqlite":
        for name in ("added", "removed", "changed"):
            op.execute(f"DROP TRIGGER IF EXISTS study_texts_{name}")
        op.execute("DROP TABLE IF EXISTS study_texts_index")
    op.drop_table("study_texts")
    op.drop_table("workers")
