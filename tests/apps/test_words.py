"""What the dashboard says is plain, present-day English: some turns of phrase stay out."""

from __future__ import annotations

import ast
import re

import pytest

from tests.apps.browser import ROOT

ODD = re.compile(
    r"\b(hears?|heard|owes? to|owing to|stands? beside|is put to|are put to|to be put into|animals?"
    r"|dearer|hence|whence|thereof|unheard of|nowise|naught|ere|learnt|likeliest"
    r"|beside each other|as well it might|bears? no mark|would rather have)\b",
    re.IGNORECASE,
)
FILES = sorted((ROOT / "apps").rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=[str(one.relative_to(ROOT)) for one in FILES])
def test_no_sentence_needs_a_second_reading(file):
    tree = ast.parse(file.read_text("utf-8"))
    quiet = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    said = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in quiet
    ]
    assert [one for text in said for one in ODD.findall(text)] == []
