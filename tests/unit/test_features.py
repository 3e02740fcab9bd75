"""Each row of docs/features.md names a test that there is, or says why there is none."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> list[tuple[str, str]]:
    """Each feature with its last cell, as the document has them."""
    lines = (ROOT / "docs" / "features.md").read_text().splitlines()
    cells = [line.strip("|").split("|") for line in lines if line.startswith("|")]
    return [(row[0].strip(), row[-1].strip()) for row in cells if row[0].strip() not in ("feature", "---")]


@cache
def defined_in(path: str) -> set[str]:
    """The names of a file's tests."""
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize(("feature", "shown"), rows(), ids=[feature for feature, _ in rows()])
def test_feature_is_shown_by_a_test(feature: str, shown: str) -> None:
    """The test is in that file; a row without one begins with its reason."""
    named = NAMED.findall(shown)
    assert named or shown.lower().startswith("no:"), f"{feature}: neither a test nor 'no:' and the reason"
    for path, test in named:
        assert test.startswith("test_")
        assert test in defined_in(path), f"{feature}: {path} has no {test}"


def test_no_feature_stands_twice() -> None:
    """One row each."""
    features = [feature for feature, _ in rows()]
    assert sorted(set(features)) == sorted(features)
