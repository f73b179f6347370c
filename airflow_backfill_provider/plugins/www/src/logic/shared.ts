/** Answers that come again and again: what did not change stays the very same value, so that nothing is drawn for it. */

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

/** The newer value, made of the parts of the older one as far as they say the same. */
export const shared = <Value>(older: unknown, newer: Value): Value => {
  if (Object.is(older, newer)) return newer;
  if (Array.isArray(older) && Array.isArray(newer)) {
    const parts = newer.map((part, index) => shared(older[index], part));
    const isSame = older.length === parts.length && parts.every((part, index) => Object.is(part, older[index]));
    return (isSame ? older : parts) as Value;
  }
  if (!isFields(older) || !isFields(newer)) return newer;
  const names = Object.keys(newer);
  const parts = Object.fromEntries(names.map((name) => [name, shared(older[name], newer[name])]));
  const isSame = names.length === Object.keys(older).length && names.every((name) => name in older && Object.is(parts[name], older[name]));
  return (isSame ? older : parts) as Value;
};
