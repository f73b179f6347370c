/**
 * A table of what was found. On a narrow screen each row is a card that has the heads beside its values: nothing hides
 * beyond the edge. The roles are written out, for a browser forgets those of a table that is not laid out as one.
 */

import type { ReactNode } from "react";

interface Props {
  label: string;
  heads: string[];
  rows: {
    key: string;
    /** What stands under the heads; an empty one is left out of a card. */
    cells: ReactNode[];
  }[];
}

export const DataTable = ({ label, heads, rows }: Props) => (
  <div className="bf-scroll" tabIndex={0} role="region" aria-label={label}>
    <table className="bf-table bf-cards" role="table">
      <thead role="rowgroup">
        <tr role="row">
          {heads.map((name) => (
            <th key={name} role="columnheader" scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map(({ key, cells }) => (
          <tr key={key} role="row">
            {cells.map((cell, index) => (
              <td key={heads[index]} role="cell">
                <span className="bf-card-label" aria-hidden>
                  {heads[index]}
                </span>
                <div>{cell}</div>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);
