/** The way through a list that comes page by page. */

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
      <button className="bf-button bf-small" type="button" disabled={page === 0} onClick={() => onPage(page - 1)}>
        {names[0]}
      </button>
      <span className="bf-muted">
        {page + 1} of {last + 1}
      </span>
      <button className="bf-button bf-small" type="button" disabled={page >= last} onClick={() => onPage(page + 1)}>
        {names[1]}
      </button>
    </nav>
  );
};
