"""Keys keep within what an index takes, and stay different."""

from __future__ import annotations

import pytest

from airflow_backfill_provider.pipelines.index_key import index_key


@pytest.mark.parametrize("text", ["", "slack:s:#data", "a" * 2600, "ä" * 1300])
def test_what_an_index_takes_stays_as_it_is(text: str) -> None:
    assert index_key(text) == text


@pytest.mark.parametrize("letter", ["a", "ä", "€", "😀"])
def test_what_is_longer_is_cut_and_stays_different(letter: str) -> None:
    texts = [letter * 2601, letter * 2602, "b" + letter * 2601]
    keys = [index_key(text) for text in texts]
    assert len(set(keys)) == len(texts)
    assert all(2500 < len(key.encode()) <= 2600 for key in keys)
    assert keys == [index_key(text) for text in texts], "the same text has the same key"
    assert keys[0].startswith(letter * 100), "one can see what it was made of"
