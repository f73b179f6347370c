/** What the host finds: one component for each place in Airflow's UI, by the name that the plugin registers. */

import { type ComponentType, type ReactNode, useEffect } from "react";
import { useSearchParams } from "react-router-dom";

import { Backfills } from "./pages/Backfills";
import { OwedCard } from "./pages/OwedCard";
import { RunDates } from "./pages/RunDates";
import { WhyThisRun } from "./pages/WhyThisRun";
import { dress } from "./parts/style";

interface Place {
  dagId?: string;
  runId?: string;
}

dress();

/** Places whose component the host has taken over from its loader. */
const settled = new Set<string>();

/**
 * The host shows a component through its loader first, and by its name at the next rendering: it is mounted anew then,
 * and would forget what was picked meanwhile. So that rendering is made to happen at once.
 */
const Ours = ({ place, children }: { place: string; children: ReactNode }) => {
  const [, setUrl] = useSearchParams();
  useEffect(() => {
    if (settled.has(place)) return;
    settled.add(place);
    setUrl((same) => same, { replace: true, preventScrollReset: true });
  }, []);
  return <div className="bf">{children}</div>;
};

const PLACES: Record<string, ComponentType<Place>> = {
  Backfills: () => (
    <Ours place="Backfills">
      <Backfills />
    </Ours>
  ),
  "Run dates": ({ dagId }) => (
    <Ours place="Run dates">
      <div style={{ padding: 12 }}>{dagId && <RunDates key={dagId} pipelineId={dagId} titled={false} />}</div>
    </Ours>
  ),
  "Why this run": ({ dagId, runId }) => (
    <Ours place="Why this run">
      <div style={{ padding: 12 }}>{dagId && runId && <WhyThisRun dagId={dagId} runId={runId} />}</div>
    </Ours>
  ),
  "Owed dates": () => (
    <Ours place="Owed dates">
      <OwedCard />
    </Ours>
  ),
};

Object.assign(globalThis, PLACES);

export default PLACES.Backfills;
