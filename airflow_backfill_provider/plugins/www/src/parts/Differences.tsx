/** Columns before and after. */

import type { FieldChange } from "../api";
import { labelOf, shown } from "../logic/form";

export const Differences = ({ label, changes, added = false }: { label: string; changes: FieldChange[]; added?: boolean }) => (
  <table className="bf-diff" aria-label={label}>
    <thead>
      <tr>
        <th scope="col" style={{ width: "30%" }}>
          Column
        </th>
        {!added && <th scope="col">Before</th>}
        <th scope="col">{added ? "Value" : "After"}</th>
      </tr>
    </thead>
    <tbody>
      {changes.map((one) => (
        <tr key={one.field}>
          <th scope="row">{labelOf(one.field)}</th>
          {!added && (
            <td>
              <del>{shown(one.old)}</del>
            </td>
          )}
          <td>
            <ins>{shown(one.new)}</ins>
          </td>
        </tr>
      ))}
    </tbody>
  </table>
);
