/** Numbers that are stepped faster than they are saved: every press counts, and each is saved by one question at a time. */

export interface Steps {
  /** Where it stands with all presses; the saved number where there are none. */
  at: (id: string, saved: number) => number;
  step: (id: string, saved: number, by: number) => void;
  /** The saved numbers were read anew: what has been saved is in them. */
  caughtUp: () => void;
}

/**
 * @param save whether it was saved; what is not goes back to the saved number
 * @param changed after it stands elsewhere
 */
export const stepping = (save: (id: string, value: number) => Promise<boolean>, changed: () => void): Steps => {
  const wanted = new Map<string, number>();
  const saving = new Set<string>();
  const keepUp = async (id: string) => {
    saving.add(id);
    let sent: number | undefined;
    let isSaved = true;
    while (isSaved && wanted.get(id) !== sent) {
      sent = wanted.get(id)!;
      isSaved = await save(id, sent);
    }
    saving.delete(id);
    if (!isSaved) wanted.delete(id);
    changed();
  };
  const at = (id: string, saved: number) => wanted.get(id) ?? saved;
  return {
    at,
    step: (id, saved, by) => {
      wanted.set(id, at(id, saved) + by);
      changed();
      if (!saving.has(id)) void keepUp(id);
    },
    caughtUp: () => {
      const done = [...wanted.keys()].filter((id) => !saving.has(id));
      for (const id of done) wanted.delete(id);
      if (done.length) changed();
    },
  };
};
