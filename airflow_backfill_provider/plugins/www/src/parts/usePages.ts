/** The place in a list that has pages of its own, in the URL: other pages stay where they are. */

import { useSearchParams } from "react-router-dom";

import { withValues } from "../logic/view";
import { pageOf } from "../logic/watch";

/** @param name what the page is called in the URL */
export const usePages = (name: string): [number, (to: number) => void] => {
  const [url, setUrl] = useSearchParams();
  const go = (to: number) => setUrl((old) => withValues(old, { [name]: to ? String(to) : null, page: old.get("page") }), { replace: true });
  return [pageOf(url, name), go];
};
