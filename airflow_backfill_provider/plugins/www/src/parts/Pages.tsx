/** The way through a list that comes page by page. Who has come to its end with the keyboard stands there still. */

import { StepButton } from "./bits";

interface Props {
  /** What is listed, for who hears it. */
  label: string;
  total: number;
  size: number;
  page: number;
  onPage: (page: number) => void;
  /** How the pages before and after are called. */
  names?: readonly [string, string];
}

export const Pages = ({ label, total, size, page, onPage, names = ["Previous", "Next"] }: Props) => {
  const last = Math.max(0, Math.ceil(total / size) - 1);
  if (!last && !page) return null;
  return (
    <nav className="bf-row" aria-label={label}>
      <StepButton isEnd={page === 0} onStep={() => onPage(page - 1)}>
        {names[0]}
      </StepButton>
      <span className="bf-muted">
        {page + 1} of {last + 1}
      </span>
      <StepButton isEnd={page >= last} onStep={() => onPage(page + 1)}>
        {names[1]}
      </StepButton>
    </nav>
  );
};
