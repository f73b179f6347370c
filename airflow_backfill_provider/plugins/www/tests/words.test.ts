import { afterEach, expect, test, vi } from "vitest";

import { get, type Refused } from "../src/api";
import { instant, zone } from "../src/logic/words";

const browsers = new Intl.DateTimeFormat().resolvedOptions().timeZone;
const stored = (value: string | null) => vi.stubGlobal("localStorage", { getItem: () => value });

afterEach(() => vi.unstubAllGlobals());

test("instants are told in the browser's zone until one is chosen in Airflow's menu", () => {
  stored(null);
  expect(zone()).toBe(browsers);
  stored('"Asia/Tokyo"');
  expect(zone()).toBe("Asia/Tokyo");
  expect(instant("2026-11-28T23:30:00Z")).toBe("2026-11-29 08:30 GMT+9");
});

test.each(['"Nowhere/Land"', "not JSON", "7"])("a zone that cannot be read, %s, is as if none was chosen", (value) => {
  stored(value);
  expect(zone()).toBe(browsers);
});

test.each([
  ["<html>Log in</html>", "text/html"],
  ["null", "application/json"],
])("a page in the place of an answer says that the login has ended: %s", async (body, kind) => {
  vi.stubGlobal("document", { baseURI: "http://airflow.example/" });
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(body, { status: 200, headers: { "Content-Type": kind } })));
  const refused = await get("/grid").catch((error: Refused) => error);
  expect(refused).toMatchObject({ status: 401, message: expect.stringContaining("your login has ended") });
});
