"""What is taken out of a vendor's words, and what stays."""

from __future__ import annotations

import time

import pytest

from airflow_backfill_provider.pipelines.scrub import LONGEST, scrub, without_secrets

SECRET = "s3cr3tvalue"


@pytest.mark.parametrize(
    "text",
    [
        f"GET https://bob:{SECRET}@host/x failed",
        f"POST https://hooks.slack.com/services/T0/B0/{SECRET}",
        f"http://127.0.0.1:8080/services/T0/B0/{SECRET}",
        f"https://prod-1.westeurope.logic.azure.com:443/workflows/abc?sig={SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"{{'Authorization': 'Basic {SECRET}'}}",
        f"xoxb-{SECRET}",
        f"password={SECRET}&user=bob",
        f"call load(password => '{SECRET}')",
        f'{{"routing_key": "{SECRET}", "event": 1}}',
        f"api-key: {SECRET}",
        f"AZURE_CLIENT_SECRET = {SECRET}",
        f"Authorization: Token {SECRET}",
        f'proxy-authorization: Digest username="bob", response="{SECRET}"',
        f"curl -H 'Authorization: AWS4-HMAC-SHA256 Credential=a/b, Signature={SECRET}' https://host",
        f'{{"headers": {{"authorization": "Token a {SECRET}"}}}}',
        rf'"{{\"Authorization\": \"Token a {SECRET}\"}}"',
        f"headers['Authorization'] = 'Token a {SECRET}'",
        f"Set-Cookie: id=1; session={SECRET}",
        f'"password": "correct horse, {SECRET}"',
        rf"password='it\'s {SECRET}'",
        f"PASSWORD = 'it''s {SECRET}'",
        f"password='cut {SECRET}",
        f"CREATE USER MAPPING OPTIONS (user 'bob', password 'a {SECRET}')",
        f"ALTER USER bob IDENTIFIED BY 'a {SECRET}'",
        f"password=Xy&9)kLm,{SECRET}",
        f"Driver=ODBC;UID=sa;PWD={{a;b {SECRET}}};Server=host",
        f"UID=sa;PWD=a;{SECRET};Server=host",
        f"DefaultEndpointsProtocol=https;AccountKey={SECRET}==;EndpointSuffix=core.windows.net",
        f"postgresql://bob:pa/{SECRET}@host/db",
        f"postgresql://bob:p@{SECRET}@host/db",
        f"https://s3.example/x?X-Amz-Signature={SECRET}&X-Amz-Date=1",
        f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4\n{SECRET}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkq\\n{SECRET * 2}",
        f"the token eyJhbGciOiJIUzI1NiJ9.{SECRET}.{SECRET} has expired",
    ],
)
def test_secrets_go(text: str) -> None:
    assert SECRET not in scrub(text)
    assert "***" in scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        "Table orders has 0 rows; expected 1 or more",
        "https://dbc.cloud.databricks.com/?o=1#job/1/run/2",
        "the token has expired",
        "SQL compilation error: invalid identifier 'PASSWORD_HASH'",
        "https://host:8080/feed/bob@example.com and https://[::1]:8080/a@b",
        "https://host/x?mail=a:b@example.com and s3://bucket/a:b@c",
        "primary key: (id); partition key: day",
        "Done. PASS=5 WARN=0 ERROR=1 SKIP=0 TOTAL=6",
        "basic authentication failed; bearer tokens are wanted",
        '{"error": "invalid_token", "token_type": "bearer", "authorization": null, "detail": "it has expired"}',
        "there is no -----BEGIN PRIVATE KEY----- in the file of the connection",
        'password="" user=bob',
    ],
)
def test_plain_words_stay(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"password": "correct horse, battery", "user": "bob"}', '{"password": "***", "user": "bob"}'),
        (r"{\"password\": \"correct horse\", \"user\": 1}", r"{\"password\": \"***\", \"user\": 1}"),
        ("curl -H 'Authorization: Token abc' https://host", "curl -H 'Authorization: ***' https://host"),
        ("host=a password=Xy&9)kLm,Z user=bob", "host=a password=*** user=bob"),
        ("https://host/x?token=abc&run=7", "https://host/x?token=***&run=7"),
        ("UID=sa;PWD=abc;Server=host", "UID=sa;PWD=***;Server=host"),
        ("postgresql://u:p/w@host/db refused", "postgresql://***@host/db refused"),
        ("Bearer abc.def-123 has expired", "Bearer *** has expired"),
    ],
)
def test_what_stands_beside_a_secret_stays(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
    assert without_secrets(shown) == shown, "what is hidden already stays as it is"


@pytest.mark.parametrize(
    "part",
    [
        *("a-", "password", "password ", "password=", "password='", r"password=\"", "password=&", "PWD={", "key \t: "),
        *("Authorization", "'Authorization:", "cookie: ", "://", "a://b:c", "a://@", "https://a.logic.azure"),
        *("-----BEGIN A-----", "-----BEGIN A-----AAAAAAAAAAAAAAAA\n", "eyJ", "basic ", "/services/Ta/B"),
    ],
)
def test_a_megabyte_takes_no_longer_than_its_length(part: str) -> None:
    """To look at the rest of it again for each part would take minutes."""
    text = (part * 1_000_000)[:1_000_000]
    begun = time.process_time()
    without_secrets(text)
    assert time.process_time() - begun < 20


def test_a_page_is_cut() -> None:
    assert len(scrub("x" * 10_000)) == LONGEST
