import { expect, test } from "vitest";

import { subjectOf } from "../src/logic/subject";

test.each([
  ["/grid?offset=0", "/grid?offset=50&platform=http"],
  ["/pipelines/a/calendar", "/pipelines/a/calendar?year=2025"],
  ["/requests?state=live", "/requests?limit=25"],
  ["/sla?pipeline_id=a&days=30", "/sla?days=90&pipeline_id=a"],
])("another page, year or filter is the same subject: %s, %s", (one, other) => expect(subjectOf(one)).toBe(subjectOf(other)));

test.each([
  ["/sla?pipeline_id=a", "/sla?pipeline_id=b"],
  ["/sla?pipeline_id=a", "/sla"],
  ["/pipelines/a/calendar?year=2025", "/pipelines/b/calendar?year=2025"],
  ["/requests/bf-1?offset=0", "/requests/bf-2?offset=0"],
])("another pipeline or request is another subject: %s, %s", (one, other) => expect(subjectOf(one)).not.toBe(subjectOf(other)));
