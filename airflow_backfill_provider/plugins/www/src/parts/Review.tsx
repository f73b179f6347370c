/** What saving would change, to be looked at before it is done. */

import { useEffect, useRef } from "react";

import type { Draft, Refused } from "../api";
import { plural } from "../logic/words";
import { Problem } from "./bits";
import { Differences } from "./Differences";

interface Props {
  pipelineId: string;
  draft: Draft;
  busy: boolean;
  refused: Refused | null;
  onSave: () => void;
  onClose: () => void;
  /** Take over what the row became meanwhile. */
  onFresh: () => void;
}

export const Review = ({ pipelineId, draft, busy, refused, onSave, onClose, onFresh }: Props) => {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    dialog.current?.showModal();
    return () => {
      if (before?.isConnected) before.focus();
    };
  }, []);
  const added = draft.change === "added";
  const outdated = refused?.status === 409 && !added;
  return (
    <dialog className="bf bf-dialog bf-review bf-stack" ref={dialog} aria-label="Review changes" onCancel={onClose}>
      <h2>{added ? `Make the pipeline ${pipelineId}?` : `${plural(draft.fields.length, "change")} to ${pipelineId}`}</h2>
      <Differences label="Changes" changes={draft.fields} added={added} />
      {draft.warnings.map((words) => (
        <div className="bf-note" key={words}>
          Note: {words}
        </div>
      ))}
      {refused && <Problem problem={refused} />}
      <div className="bf-row" style={{ justifyContent: "flex-end" }}>
        <button className="bf-button" type="button" onClick={onClose}>
          Back to the form
        </button>
        {outdated ? (
          <button className="bf-button bf-main" type="button" disabled={busy} onClick={onFresh}>
            Put my changes on the row as it is now
          </button>
        ) : (
          <button className="bf-button bf-main" type="button" disabled={busy} onClick={onSave}>
            {busy ? "Saving…" : added ? "Make the pipeline" : `Save ${plural(draft.fields.length, "change")}`}
          </button>
        )}
      </div>
    </dialog>
  );
};
