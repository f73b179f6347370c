/** Puts a text into the clipboard, also on a page that came by plain http, where the browser offers no clipboard. */

import { useState } from "react";

export const CopyButton = ({ text, label }: { text: string; label: string }) => {
  const [said, setSaid] = useState("");
  const copy = async () => {
    setSaid((await copied(text)) ? "Copied" : "Not copied: select it by hand");
    window.setTimeout(() => setSaid(""), 3000);
  };
  return (
    <button className="bf-button bf-small" type="button" aria-live="polite" onClick={() => void copy()}>
      {said || label}
    </button>
  );
};

const copied = async (text: string): Promise<boolean> => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedByHand(text); // no clipboard there, or the browser refused it
  }
};

/** The way of before there was a clipboard: a text that is selected, and the browser told to copy. */
const copiedByHand = (text: string): boolean => {
  const before = document.activeElement as HTMLElement | null;
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "bf-hidden";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus();
  return done;
};
