/** A question that stands before something is done; a reason can be given with the answer. */

import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";

interface Props {
  title: string;
  yes: string;
  /** With what was given as a reason, where the question asks for one. */
  onYes: (why: string) => void;
  onNo: () => void;
  /** Whether a reason can be given, which the history keeps. */
  reason?: boolean;
  children?: ReactNode;
}

export const Ask = ({ title, yes, onYes, onNo, reason = false, children }: Props) => {
  const dialog = useRef<HTMLDialogElement>(null);
  const [why, setWhy] = useState("");
  useEffect(() => {
    // A modal dialog keeps the focus inside; where it came from is ours to remember, for the element goes away with it.
    const before = document.activeElement as HTMLElement | null;
    dialog.current?.showModal();
    return () => {
      if (before?.isConnected) before.focus();
    };
  }, []);
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    onYes(why.trim());
  };
  return (
    <dialog className="bf bf-dialog" ref={dialog} aria-label={title} onCancel={onNo}>
      <form onSubmit={onSubmit}>
        <h2>{title}</h2>
        {children}
        {reason && (
          <label className="bf-label" style={{ marginTop: 12 }}>
            Why (if you like; the history keeps it)
            <input className="bf-input" maxLength={2000} value={why} onChange={(event) => setWhy(event.target.value)} />
          </label>
        )}
        <div className="bf-row" style={{ justifyContent: "flex-end", marginTop: 16 }}>
          <button className="bf-button" type="button" onClick={onNo}>
            No
          </button>
          <button className="bf-button bf-main" type="submit">
            {yes}
          </button>
        </div>
      </form>
    </dialog>
  );
};
