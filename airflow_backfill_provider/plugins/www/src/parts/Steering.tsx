/**
 * What people do with a request, as buttons, the question that stands before it, and what became of it.
 *
 * Each verb but a step of the priority asks first, and takes a reason.
 */

import { type ReactNode, useEffect, useRef, useState } from "react";

import { type BackfillRequest, type Moved, post, type Refused, type Retried } from "../api";
import { isLive, questionOf, saidOf, type Verb, verbsOf } from "../logic/steer";
import { type Steps, stepping } from "../logic/steps";
import { Ask } from "./Ask";
import { Problem } from "./bits";

export interface Steering {
  ask: (request: BackfillRequest, verb: Verb) => void;
  /** A step of the priority. */
  nudge: (request: BackfillRequest, by: 1 | -1) => void;
  priorityOf: (request: BackfillRequest) => number;
  /** The question, and what was done or refused. */
  words: ReactNode;
}

/**
 * @param requests as they were read last
 * @param onDone after something was done
 */
export const useSteering = (requests: BackfillRequest[], onDone: () => void): Steering => {
  const [refused, setRefused] = useState<Refused | null>(null);
  const [asked, setAsked] = useState<{ request: BackfillRequest; verb: Verb; priority: number } | null>(null);
  const [said, setSaid] = useState("");
  const steer = async (requestId: string, verb: Verb, body: object): Promise<boolean> => {
    setRefused(null);
    setSaid("");
    try {
      const moved = await post<Moved | Retried>(`/requests/${requestId}/${verb}`, body);
      setSaid(saidOf(verb, moved));
      onDone();
      return true;
    } catch (error) {
      setRefused(error as Refused);
      return false;
    }
  };
  const [, draw] = useState(0);
  const newest = useRef(steer);
  newest.current = steer;
  const [steps] = useState<Steps>(() =>
    stepping((requestId, priority) => newest.current(requestId, "reprioritize", { priority }), () => draw((times) => times + 1)),
  );
  useEffect(() => steps.caughtUp(), [requests]);
  const priorityOf = (request: BackfillRequest) => steps.at(request.request_id, request.priority);
  return {
    ask: (request, verb) => setAsked({ request, verb, priority: priorityOf(request) }),
    nudge: (request, by) => steps.step(request.request_id, request.priority, by),
    priorityOf,
    words: (
      <>
        {refused && <Problem problem={refused} />}
        <div className={said ? "bf-done-note" : "bf-hidden"} role="status">
          {said}
        </div>
        {asked && (
          <Ask
            {...questionOf(asked.verb, asked.request)}
            reason
            onNo={() => setAsked(null)}
            onYes={(why) => {
              setAsked(null);
              void steer(asked.request.request_id, asked.verb, { why: why || null, ...(asked.verb === "reprioritize" && { priority: asked.priority }) });
            }}
          >
            {questionOf(asked.verb, asked.request).words}
            {asked.verb === "reprioritize" && (
              <label className="bf-label" style={{ marginTop: 12 }}>
                Priority
                <input className="bf-input" type="number" min={-1000000} max={1000000} value={asked.priority} onChange={(event) => setAsked({ ...asked, priority: Math.trunc(Number(event.target.value)) || 0 })} />
              </label>
            )}
          </Ask>
        )}
      </>
    ),
  };
};

interface Of {
  request: BackfillRequest;
  steering: Steering;
}

export const Verbs = ({ request, steering }: Of) =>
  request.can_act ? (
    <div className="bf-row bf-verbs">
      {verbsOf(request).map((verb) => (
        <button className={`bf-button bf-small${verb === "cancel" ? " bf-danger" : ""}`} key={verb} type="button" aria-label={`${verb} ${request.request_id}`} onClick={() => steering.ask(request, verb)}>
          {verb}
        </button>
      ))}
    </div>
  ) : null;

/** The priority, with a step down and up where it may be changed. */
export const Priority = ({ request, steering }: Of) =>
  request.can_act && isLive(request) ? (
    <>
      <button className="bf-button bf-small" type="button" aria-label={`Lower the priority of ${request.request_id}`} onClick={() => steering.nudge(request, -1)}>
        −
      </button>{" "}
      <button className="bf-pick" type="button" title="Change the priority, with a reason" aria-label={`${steering.priorityOf(request)}: change the priority of ${request.request_id}`} onClick={() => steering.ask(request, "reprioritize")}>
        {steering.priorityOf(request)}
      </button>{" "}
      <button className="bf-button bf-small" type="button" aria-label={`Raise the priority of ${request.request_id}`} onClick={() => steering.nudge(request, 1)}>
        +
      </button>
    </>
  ) : (
    <>{request.priority}</>
  );
