/** A question that stands before something large is done. */

import { type ReactNode, useEffect, useRef } from "react";

interface Props {
  title: string;
  yes: string;
  onYes: () => void;
  onNo: () => void;
  children?: ReactNode;
}

export const Ask = ({ title, yes, onYes, onNo, children }: Props) => {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog className="bf bf-dialog" ref={dialog} aria-label={title} onCancel={onNo}>
      <h2>{title}</h2>
      {children}
      <div className="bf-row" style={{ justifyContent: "flex-end", marginTop: 16 }}>
        <button className="bf-button" type="button" onClick={onNo}>
          No
        </button>
        <button className="bf-button bf-main" type="button" onClick={onYes}>
          {yes}
        </button>
      </div>
    </dialog>
  );
};
