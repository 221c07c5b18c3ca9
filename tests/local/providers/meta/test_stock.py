"""What the fake has from the start is what the project sends, and tells its webhook."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest

from tripgate.local.providers.meta.stock import TEMPLATES
from tripgate.local.providers.meta.templates import Templates

if TYPE_CHECKING:
    from tripgate.local.stack import StackInfo


def test_the_projects_templates_are_approved_as_it_sends_them(seeded: StackInfo) -> None:
    with psycopg.connect(seeded.db_url) as db:
        rows = db.execute(
            "select name, language, upper(category), body, parameters from private.whatsapp_templates order by name"
        ).fetchall()
    assert [row[:4] for row in rows] == sorted((name, "en", category, body) for name, category, body in TEMPLATES)
    for name, *_, body, parameters in rows:
        # In the order in which they are sent.
        assert re.findall(r"\{\{(\w+)\}\}", body) == parameters, name


def test_their_variables_are_numbered_since_they_are_sent_so() -> None:
    templates = Templates()
    templates.add("news", "en", "UTILITY", "News of {{trip}}: {{text}}. {{trip}}!")
    (news,) = templates.all()
    assert (news.body, news.named) == ("News of {{1}}: {{2}}. {{1}}!", False)


@pytest.mark.parametrize(
    ("name", "category", "body"),
    [each for each in TEMPLATES if each[1] != "AUTHENTICATION"],
    ids=lambda each: each[:20],
)
def test_meta_would_approve_them(name: str, category: str, body: str) -> None:
    component = {"type": "BODY", "text": body, "example": {"body_text_named_params": [{}]}}
    asked = {"name": name, "language": "en", "category": category, "components": [component]}
    assert Templates().register({**asked, "parameter_format": "NAMED"}).status == "APPROVED"
