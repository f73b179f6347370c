"""Snowflake's SQL API, asked as its documentation says."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
import requests

from airflow_backfill_provider.demo.simulator.client import SimulatorClient
from airflow_backfill_provider.demo.simulator.process import SimulatorProcess

DATES = {"1": {"type": "TEXT", "value": '["2025-01-02", "2025-01-03"]'}, "2": {"type": "TEXT", "value": "2025-01-02"}}


class Account:
    """A client of the SQL API."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/api/v2/statements"

    def ask(self, method: str, path: str = "", **fields: Any) -> requests.Response:
        headers = {"Authorization": "Bearer token", **fields.pop("headers", {})}
        return requests.request(method, f"{self._url}{path}", headers=headers, timeout=60, **fields)

    def submit(self, sql: str, tag: str = "", *, query: dict[str, str] | None = None, **body: Any) -> requests.Response:
        parameters = {"query_tag": tag, "MULTI_STATEMENT_COUNT": body.pop("count", 1)}
        query = {"requestId": str(uuid.uuid4()), "async": "true", **(query or {})}
        return self.ask("POST", params=query, json={"statement": sql, "parameters": parameters, **body})

    def start(self, sql: str, tag: str = "", **body: Any) -> str:
        answer = self.submit(sql, tag, **body)
        assert answer.status_code == 202, answer.text
        return answer.json()["statementHandle"]

    def rows(self, sql: str, **body: Any) -> list[dict[str, Any]]:
        answer = self.submit(sql, query={"async": "false"}, **body).json()
        names = [column["name"] for column in answer["resultSetMetaData"]["rowType"]]
        return [dict(zip(names, row, strict=True)) for row in answer["data"]]


@pytest.fixture
def account(simulator: SimulatorProcess) -> Account:
    return Account(simulator.url)


@pytest.fixture
def client(simulator: SimulatorProcess) -> SimulatorClient:
    return simulator.client


def test_a_procedure_from_call_to_result(account, client):
    answer = account.submit("CALL analytics.load_orders(?, ?)", "key-1", bindings=DATES)
    assert answer.status_code == 202
    body = answer.json()
    assert body["statementStatusUrl"].endswith(f"/api/v2/statements/{body['statementHandle']}")
    handle = body["statementHandle"]
    assert account.ask("GET", f"/{handle}").status_code == 202
    client.wait_until_idle()
    done = account.ask("GET", f"/{handle}")
    assert done.status_code == 200
    assert done.json()["resultSetMetaData"]["rowType"][0]["name"] == "LOAD_ORDERS"
    (entry,) = client.ledger("snowflake")
    assert (entry["job"], entry["key"], entry["external_id"]) == ("analytics.load_orders", "key-1", handle)
    assert entry["run_dates"] == ["2025-01-02", "2025-01-03"]
    assert requests.get(entry["url"], timeout=10).status_code == 200


def test_a_failing_procedure_tells_why(account, client):
    client.job("snowflake", "load", fail_first=1, fail_message="no rows in ORDERS")
    handle = account.start("CALL load(?)", bindings={"1": DATES["2"]})
    client.wait_until_idle()
    failed = account.ask("GET", f"/{handle}")
    assert failed.status_code == 422
    assert failed.json()["message"] == "no rows in ORDERS"
    assert (failed.json()["code"], failed.json()["sqlState"]) == ("100183", "P0000")


def test_statements_really_run(account):
    account.rows("CREATE TABLE orders (id INT, day DATE, moment TIMESTAMP, price DECIMAL(9, 2), open BOOLEAN)")
    inserted = account.rows("INSERT INTO orders VALUES (?, ?, '2025-01-02 03:04:05.5', 9.5, true)", bindings={
        "1": {"type": "FIXED", "value": "7"}, "2": {"type": "TEXT", "value": "2025-01-02"}})  # fmt: skip
    assert inserted == [{"number of rows inserted": "1"}]
    (row,) = account.rows(
        'SELECT id, day, moment, price, open, NULL AS none, 1 AS "lower" FROM simulator.public.orders'
    )
    assert row == {"ID": "7", "DAY": "20090", "MOMENT": "1735787045.500000000", "PRICE": "9.50", "OPEN": "true",
                   "NONE": None, "lower": "1"}  # fmt: skip
    other = account.submit("SELECT * FROM orders", database="OTHER", query={"async": "false"})
    assert (other.status_code, other.json()["code"], other.json()["sqlState"]) == (422, "002003", "42S02")


def test_a_tagged_statement_is_a_job_and_a_look_up_is_none(account, client):
    account.rows("CREATE TABLE days (day DATE)")
    account.start("INSERT INTO days VALUES (CAST(? AS DATE))", "key-2", bindings={"1": DATES["2"]})
    assert account.rows("SELECT count(*) AS n FROM days") == [{"N": "0"}]
    client.wait_until_idle()
    assert account.rows("SELECT count(*) AS n FROM days") == [{"N": "1"}]
    account.start("SELECT 1 AS one", "a tag")
    (entry,) = client.ledger()
    assert (entry["run_dates"], entry["key"], entry["state"]) == (["2025-01-02"], "key-2", "success")


@pytest.mark.parametrize(("retry", "jobs"), [({}, 2), ({"retry": "true"}, 1)])
def test_only_a_retry_with_the_same_request_id_is_the_same_statement(account, client, retry, jobs):
    request = {"requestId": str(uuid.uuid4())}
    first = account.start("CALL load()", query=request)
    second = account.start("CALL load()", query={**request, **retry})
    assert len(client.ledger()) == jobs
    assert (first == second) is (jobs == 1)


def test_a_lost_answer_is_found_by_its_tag(account, client):
    client.job("snowflake", "load", duration_seconds=30)
    client.fault("snowflake", "drop_after_accept", method="POST")
    with pytest.raises(requests.ConnectionError):
        account.start("CALL load()", "key-3")
    (entry,) = client.ledger()
    sql = (
        "SELECT query_id, execution_status FROM TABLE(information_schema.query_history("
        "END_TIME_RANGE_START => DATEADD('day', -1, CURRENT_TIMESTAMP()), RESULT_LIMIT => 1000)) "
        "WHERE query_tag = ? AND query_type = 'CALL'"
    )
    found = account.rows(sql, bindings={"1": {"type": "TEXT", "value": "key-3"}})
    assert found == [{"QUERY_ID": entry["external_id"], "EXECUTION_STATUS": "RUNNING"}]
    past = "SELECT * FROM snowflake.account_usage.query_history WHERE query_tag = 'key-3' AND query_type = 'CALL'"
    assert account.rows(past) == []
    account.ask("POST", f"/{entry['external_id']}/cancel")
    (row,) = account.rows(past)
    assert (row["EXECUTION_STATUS"], row["ERROR_CODE"]) == ("FAILED_WITH_ERROR", "000604")


def test_a_history_looks_at_the_newest_hundred_unless_told_otherwise(account):
    account.start("CALL load()", "key-4")
    for _ in range(100):
        account.start("SELECT 1")
    sql = "SELECT query_id FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY({})) WHERE QUERY_TAG = 'key-4'"
    assert account.rows(sql.format("")) == []
    assert len(account.rows(sql.format("RESULT_LIMIT => 1000"))) == 2, "the CALL and the statement of its body"


def test_the_statements_of_a_procedure_carry_the_tag_of_its_call_and_come_after_it(account):
    handle = account.start("CALL load()", "key-6")
    account.start("CALL load()", "another key")
    sql = (
        "SELECT query_id, query_type, session_id FROM TABLE(information_schema.query_history()) "
        "WHERE query_tag = 'key-6' ORDER BY start_time"
    )
    call, body = account.rows(sql)
    assert (call["QUERY_ID"], call["QUERY_TYPE"], body["QUERY_TYPE"]) == (handle, "CALL", "INSERT")
    assert call["SESSION_ID"] == body["SESSION_ID"]


def test_cancel(account, client):
    client.job("snowflake", "load", duration_seconds=30)
    handle = account.start("CALL load()")
    assert account.ask("POST", f"/{handle}/cancel").json()["message"] == "successfully canceled"
    gone = account.ask("GET", f"/{handle}")
    assert (gone.status_code, gone.json()["code"], gone.json()["sqlState"]) == (422, "000604", "57014")
    assert account.ask("POST", f"/{handle}/cancel").status_code == 422
    other = account.start("CALL load()")
    said = account.rows("SELECT SYSTEM$CANCEL_QUERY(?)", bindings={"1": {"type": "TEXT", "value": other}})
    assert said == [{"SYSTEM$CANCEL_QUERY": f"query [{other}] terminated."}]
    assert [entry["state"] for entry in client.ledger()] == ["cancelled", "cancelled"]


def history_of(account: Account, task: str) -> list[dict[str, Any]]:
    sql = "SELECT query_id, state, error_message, config, scheduled_from FROM TABLE({}(TASK_NAME => ?))"
    name = {"1": {"type": "TEXT", "value": task}}
    return account.rows(sql.format("information_schema.task_history"), bindings=name)


def test_a_task_starts_and_its_outcome_stands_in_the_task_history(account, client):
    client.job("snowflake", "nightly", fail_first=1, fail_message="nightly broke")
    config = json.dumps({"run_dates": ["2025-01-02"]})
    handle = account.start(f"EXECUTE TASK nightly USING CONFIG = $${config}$$", "key-5")
    assert account.ask("GET", f"/{handle}").status_code == 200
    account.start("EXECUTE TASK nightly")
    second, first = history_of(account, "NIGHTLY")
    assert (first["STATE"], first["SCHEDULED_FROM"]) == ("EXECUTING", "EXECUTE TASK")
    assert json.loads(first["CONFIG"]) == json.loads(config)
    assert (second["STATE"], second["QUERY_ID"]) == ("SCHEDULED", None)
    client.wait_until_idle()
    second, first = history_of(account, "NIGHTLY")
    assert (first["STATE"], first["ERROR_MESSAGE"], second["STATE"]) == ("FAILED", "nightly broke", "SUCCEEDED")
    entries = client.ledger()
    assert [entry["state"] for entry in entries] == ["failed", "success"]
    assert (entries[0]["external_id"], entries[0]["run_dates"]) == (handle, ["2025-01-02"])


def test_a_task_is_cancelled_by_the_id_of_its_query(account, client):
    client.job("snowflake", "nightly", duration_seconds=30)
    handle = account.start("EXECUTE TASK nightly")
    assert account.ask("POST", f"/{handle}/cancel").status_code == 422
    (row,) = history_of(account, "nightly")
    account.rows(f"SELECT SYSTEM$CANCEL_QUERY('{row['QUERY_ID']}')")
    assert history_of(account, "nightly")[0]["STATE"] == "CANCELLED"
    account.start("EXECUTE TASK shop.jobs.nightly")
    name = {"1": {"type": "TEXT", "value": "shop.jobs.nightly"}}
    said = account.rows("SELECT SYSTEM$USER_TASK_CANCEL_ONGOING_EXECUTIONS(?) AS answer", bindings=name)
    assert list(said[0]) == ["ANSWER"]
    since = "scheduled_time >= TO_TIMESTAMP_LTZ('1735689600000') AND schema_name = 'JOBS'"
    found = account.rows(f"SELECT state FROM TABLE(shop.information_schema.task_history()) WHERE {since}")
    assert found == [{"STATE": "CANCELLED"}]


def test_several_statements_in_one_request(account):
    done = account.submit("CREATE TABLE t (a INT); INSERT INTO t VALUES (1); SELECT a FROM t;", count=3)
    parent = account.ask("GET", f"/{done.json()['statementHandle']}").json()
    assert parent["data"] == [["Multiple statements executed successfully."]]
    last = account.ask("GET", f"/{parent['statementHandles'][2]}").json()
    assert last["data"] == [["1"]]
    wrong = account.submit("SELECT 1; SELECT 2")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "000008")


def test_a_statement_that_takes_too_long(account, client):
    client.job("snowflake", "load", duration_seconds=30)
    assert account.submit("CALL load()", timeout=1, query={"async": "false"}).status_code == 408
    handle = account.start("CALL load()", timeout=1)
    client.wait_until_idle()
    answer = account.ask("GET", f"/{handle}")
    assert (answer.status_code, answer.json()["code"]) == (422, "000630")


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("CALL missing_load()", "002141"),
        ("EXECUTE TASK missing_task", "002003"),
        ("SELECT * FROM nowhere", "002003"),
        ("SELEC 1", "001003"),
        ("USE DATABASE x", "000002"),
        ("CREATE TEMPORARY TABLE x (a INT)", "000002"),
        ("CALL load(?)", "002049"),
        ("COPY (SELECT 1) TO '/tmp/out'", "000603"),
        (";", "000900"),
    ],
)
def test_what_snowflake_cannot_run(account, client, sql, code):
    answer = account.submit(sql, query={"async": "false"})
    assert answer.status_code == 422
    assert answer.json()["code"] == code
    assert answer.json()["statementHandle"]
    assert client.ledger() == []


@pytest.mark.parametrize(
    ("method", "path", "fields", "status"),
    [
        ("POST", "", {"json": {}}, 400),
        ("POST", "", {"data": "{"}, 400),
        ("POST", "", {"json": {"statement": "CALL load()", "bindings": {"1": "x"}}}, 400),
        ("POST", "", {"json": {"statement": "CALL load()", "bindings": {"1": {"type": "TEXT", "value": 1}}}}, 400),
        ("POST", "?requestId=7", {"json": {"statement": "CALL load()"}}, 400),
        ("POST", "", {"data": "x", "headers": {"Content-Type": "text/plain"}}, 415),
        ("GET", "", {}, 405),
        ("GET", "/00000000-0000-4000-8000-000000000000", {}, 404),
        ("POST", "", {"json": {"statement": "CALL load()"}, "headers": {"Authorization": "Bearer bad"}}, 401),
        ("POST", "", {"json": {"statement": "CALL load()"}, "headers": {"Authorization": ""}}, 401),
        ("GET", "/x", {"headers": {"X-Snowflake-Authorization-Token-Type": "KEYPAIR_JWT"}}, 401),
    ],
)
def test_what_the_sql_api_refuses(account, client, method, path, fields, status):
    answer = account.ask(method, path, **fields)
    assert answer.status_code == status
    assert answer.json()["message"]
    assert client.ledger() == []
