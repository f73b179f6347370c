/** What was late and by how much, what checks measured, which messages went where: of all pipelines, or of one. */

import { type ReactNode, useState } from "react";
import { Link, useSearchParams } from "react-router-dom";

import { type Message, type Messages, post, type Quality, type Refused, type Resent, type Sla } from "../api";
import { inShort, toText } from "../logic/selection";
import { rangeOf, withValues } from "../logic/view";
import { lateFor, MESSAGE_STATUSES, pageOf, WATCH_PAGE, watchQuery, type WatchView } from "../logic/watch";
import { instant, plural } from "../logic/words";
import { Empty, pipelineUrl, Problem, Waiting } from "../parts/bits";
import { CheckLines } from "../parts/CheckLines";
import { DataTable } from "../parts/DataTable";
import { Pages } from "../parts/Pages";
import { type Live, useLive } from "../parts/useLive";

const SPANS = [14, 30, 90, 365];

export const Watch = ({ view }: { view: WatchView }) => {
  const [url, setUrl] = useSearchParams();
  const set = (values: Record<string, string | null>) => setUrl((old) => withValues(old, values), { replace: true });
  const query = watchQuery(view, url);
  const range = rangeOf(url);
  const pipeline = url.get("pipeline");
  return (
    <div className="bf-stack">
      <div className="bf-row" role="group" aria-label="Which">
        {pipeline && (
          <button className="bf-chip" type="button" aria-label={`${pipeline} ×, show all pipelines`} onClick={() => set({ pipeline: null })}>
            {pipeline} ×
          </button>
        )}
        {view !== "notifications" &&
          SPANS.map((days) => (
            <button className="bf-chip" key={days} type="button" aria-pressed={range.span === days} onClick={() => set({ days: days === 30 ? null : String(days) })}>
              {days} days
            </button>
          ))}
        {view === "quality" &&
          [["", "Not passed"], ["all", "All results"]].map(([value, name]) => (
            <button className="bf-chip" key={value} type="button" aria-pressed={(url.get("results") === "all") === (value === "all")} onClick={() => set({ results: value || null })}>
              {name}
            </button>
          ))}
        {view === "notifications" &&
          ["", ...MESSAGE_STATUSES].map((value) => (
            <button className="bf-chip" key={value} type="button" aria-pressed={(url.get("status") ?? "") === value} onClick={() => set({ status: value || null })}>
              {value ? value[0]!.toUpperCase() + value.slice(1) : "All"}
            </button>
          ))}
      </div>
      {view === "sla" && <SlaView path={`/sla?${query}`} />}
      {view === "quality" && (
        <>
          {pipeline && <CheckLines pipelineId={pipeline} range={range} />}
          <QualityView path={`/quality?${query}`} />
        </>
      )}
      {view === "notifications" && <MessagesView path={`/notifications?${query}`} />}
    </div>
  );
};

/** An answer, or what stands in its place. */
const Shown = <Answer extends { total: number }>({ live, empty, children }: { live: Live<Answer>; empty: ReactNode; children: (answer: Answer) => ReactNode }) => {
  const [url, setUrl] = useSearchParams();
  const go = (to: number) => setUrl((old) => withValues(old, { page: to ? String(to) : null }), { replace: true });
  return (
    <>
      {live.problem && <Problem problem={live.problem} again={live.again} />}
      {(!live.answer || (!live.answer.total && live.isOld)) && !live.problem && <Waiting rows={8} />}
      {live.answer && live.answer.total > 0 && <div aria-busy={live.isOld}>{children(live.answer)}</div>}
      {live.answer && !live.answer.total && !live.isOld && empty}
      {live.answer && <Pages label="Pages" total={live.answer.total} size={WATCH_PAGE} page={pageOf(url)} onPage={go} names={["Newer", "Older"]} />}
    </>
  );
};

const DateLink = ({ pipelineId, day }: { pipelineId: string; day: string }) => (
  <Link style={{ whiteSpace: "nowrap" }} to={pipelineUrl(pipelineId, `&date=${day}`)}>
    {day}
  </Link>
);

/** The same view of one pipeline. */
const OnlyLink = ({ pipelineId }: { pipelineId: string }) => {
  const [url] = useSearchParams();
  return <Link to={`/plugin/backfills?${withValues(url, { pipeline: pipelineId })}`}>{pipelineId}</Link>;
};

const PARTS = 3;

/** The dates of one message, which may tell of hundreds: the list has fifty of them. */
const Days = ({ days }: { days: string[] }) => {
  const { first, more } = inShort(days, PARTS);
  return (
    <>
      {first.map((part) => (
        <div className="bf-count" key={part}>
          {part}
        </div>
      ))}
      {more.length > 0 && (
        <details>
          <summary>and {plural(more.length, "date")} more</summary>
          {toText(more)}
        </details>
      )}
    </>
  );
};

const When = ({ at }: { at: string | null }) => (at ? <span className="bf-count">{instant(at)}</span> : null);

const SlaView = ({ path }: { path: string }) => {
  const live = useLive<Sla>(path, () => 30);
  const months = live.answer?.months ?? [];
  return (
    <>
      {months.length > 0 && (
        <section aria-busy={live.isOld}>
          <h2>How many deadlines were met</h2>
          <DataTable
            label="Months"
            heads={["Month", "Met", "Missed", "Open", "Met of judged", "Median late", "Longest late"]}
            rows={months.map((one) => ({
              key: one.month,
              cells: [
                <b>{one.month}</b>,
                one.met,
                one.breached,
                one.open,
                one.percent_met === null ? "–" : `${one.percent_met} %`,
                one.median_late_seconds === null ? "–" : lateFor(one.median_late_seconds),
                one.longest_late_seconds === null ? "–" : lateFor(one.longest_late_seconds),
              ],
            }))}
          />
        </section>
      )}
      <Shown live={live} empty={<Empty title="No deadline was missed">A pipeline has deadlines when its row has an sla_time.</Empty>}>
        {(answer) => (
          <section>
            <h2>Missed deadlines</h2>
            <DataTable
              label="Missed deadlines"
              heads={["Pipeline", "Run date", "Late", "Deadline", "Done", "Why"]}
              rows={answer.breaches.map((one) => ({
                key: `${one.pipeline_id} ${one.run_date}`,
                cells: [
                  <OnlyLink pipelineId={one.pipeline_id} />,
                  <DateLink pipelineId={one.pipeline_id} day={one.run_date} />,
                  <span className="bf-count">{lateFor(one.late_seconds)}</span>,
                  <When at={one.deadline_at} />,
                  one.done_at ? <When at={one.done_at} /> : "not yet",
                  one.reason,
                ],
              }))}
            />
          </section>
        )}
      </Shown>
    </>
  );
};

const QualityView = ({ path }: { path: string }) => {
  const live = useLive<Quality>(path, () => 30);
  return (
    <Shown live={live} empty={<Empty title="No such result">Checks of these days found nothing wrong, or none ran.</Empty>}>
      {(answer) => (
        <DataTable
          label="Results"
          heads={["Pipeline", "Run date", "Check", "Result", "Observed", "Details", "Checked"]}
          rows={answer.results.map((one, index) => ({
            key: String(index),
            cells: [
              <OnlyLink pipelineId={one.pipeline_id} />,
              <DateLink pipelineId={one.pipeline_id} day={one.run_date} />,
              one.check_name,
              <span className={one.passed === false ? "bf-danger" : undefined}>
                {one.passed === null ? "not known" : one.passed ? "✓ passed" : `✗ ${one.severity === "warn" ? "warning" : "failed"}`}
              </span>,
              one.observed,
              one.details,
              <When at={one.checked_at} />,
            ],
          }))}
        />
      )}
    </Shown>
  );
};

const MessagesView = ({ path }: { path: string }) => {
  const live = useLive<Messages>(path, (answer) => (answer?.messages.some((one) => one.status === "pending") ? 5 : 20));
  const [refused, setRefused] = useState<Refused | null>(null);
  const [said, setSaid] = useState("");
  const resend = async (one: Message) => {
    setRefused(null);
    try {
      const done = await post<Resent>(`/notifications/${encodeURIComponent(one.notification_id)}/resend`);
      setSaid(`${plural(done.pending, "message")} of ${one.pipeline_id} will be sent again`);
      live.again();
    } catch (error) {
      setRefused(error as Refused);
    }
  };
  return (
    <>
      {refused && <Problem problem={refused} />}
      <div className={said ? "bf-done-note" : "bf-hidden"} role="status">
        {said}
      </div>
      <Shown live={live} empty={<Empty title="There are no such messages">A pipeline tells its events when its row has a notification_channel.</Empty>}>
        {(answer) => (
          <DataTable
            label="Messages"
            heads={["Pipeline", "Event", "Run dates", "Where", "Status", "Written", "Send again"]}
            rows={answer.messages.map((one) => ({
              key: one.notification_id,
              cells: [
                <OnlyLink pipelineId={one.pipeline_id} />,
                (one.type ?? "").replaceAll("_", " "),
                <Days days={one.run_dates} />,
                <>
                  {one.channel}
                  <div className="bf-muted">{[one.conn_id, ...one.to].filter(Boolean).join(", ")}</div>
                </>,
                <>
                  {one.status}
                  {one.sent_at && (
                    <div className="bf-muted">
                      <When at={one.sent_at} />
                    </div>
                  )}
                  {one.error_message && <div className="bf-danger">{one.error_message}</div>}
                </>,
                <When at={one.created_at} />,
                one.can_act && (
                  <button className="bf-button bf-small" type="button" disabled={one.status === "pending"} aria-label={`Resend the message of ${one.pipeline_id} of ${instant(one.created_at)}`} onClick={() => void resend(one)}>
                    Resend
                  </button>
                ),
              ],
            }))}
          />
        )}
      </Shown>
    </>
  );
};
