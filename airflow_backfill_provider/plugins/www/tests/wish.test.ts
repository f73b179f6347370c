import { execFileSync } from "node:child_process";

import { expect, test } from "vitest";

import { bodyOf, commandOf, NOTHING, planQuery, quoted, withoutAsked } from "../src/logic/wish";

const picked = { ...NOTHING, dates: new Set(["2026-11-02", "2026-11-01"]) };

test("the command and the body say the same", () => {
  const choice = {
    ...picked,
    again: true,
    priority: 5,
    newestFirst: true,
    firstN: 3,
    downstream: true,
    why: " it's late ",
  };
  expect(commandOf("orders", choice)).toBe(
    "airflow pipelines backfill create orders --dates 2026-11-01..2026-11-02 --only any --priority 5 " +
      "--newest-first --first 3 --downstream --reason='it'\\''s late'",
  );
  expect(bodyOf("orders", choice)).toEqual({
    pipeline_ids: ["orders"],
    dates: "2026-11-01..2026-11-02",
    only: "any",
    priority: 5,
    newest_first: true,
    first_n: 3,
    downstream: true,
    why: "it's late",
  });
});

test("what is picked and written while dates are asked for stays", () => {
  const now = { ...picked, dates: new Set([...picked.dates, "2026-11-03"]), why: "written meanwhile", priority: 3 };
  expect(withoutAsked(now, picked)).toEqual({ ...now, dates: new Set(["2026-11-03"]) });
  expect(withoutAsked(picked, picked).dates.size).toBe(0);
});

test("what is usual is not said", () => {
  expect(commandOf("orders", picked)).toBe("airflow pipelines backfill create orders --dates 2026-11-01..2026-11-02");
});

test.each(["plain", "two words", "it's", "$(reboot)", "`x`", 'a"b', "!2026", "*", "\\", ""])(
  "a shell reads %j back",
  (text) => {
    expect(execFileSync("sh", ["-c", `printf %s ${quoted(text)}`], { encoding: "utf8" })).toBe(text);
  },
);

test("a plan is asked for page by page", () => {
  expect(planQuery(0, 0)).toBe("limit=20&offset=0&dates_limit=50&dates_offset=0");
  expect(planQuery(2, 3)).toBe("limit=20&offset=40&dates_limit=50&dates_offset=150");
});
