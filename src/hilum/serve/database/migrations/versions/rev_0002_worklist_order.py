"""an index in the order of the worklist's first page."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    op.create_index(
        "ix_studies_worklist", "studies", ["priority", sa.text("received_at DESC"), "id"]
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_studies_worklist", "studies")
