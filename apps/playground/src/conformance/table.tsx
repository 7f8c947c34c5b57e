import { type Cell, type Report, ratioText, tabulate } from "@bn/conformance/report";
import { Heads, Table } from "../parts/table.tsx";

/** Passed, failed, skipped and the worst error, by group and backend. */
export function ResultTable({ report, caption }: { readonly report: Report; readonly caption: string }) {
  const { backends, rows, total } = tabulate(report);
  return (
    <>
      <p class="soft">{caption}</p>
      <Table
        label={caption}
        class="results"
        head={<Heads of={["group", ...backends]} />}
        foot={<CellRow name="total" cells={total} />}
      >
        {rows.map(({ group, cells }) => (
          <CellRow key={group} name={group} cells={cells} />
        ))}
      </Table>
    </>
  );
}

function CellRow({ name, cells }: { readonly name: string; readonly cells: readonly Cell[] }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      {cells.map((cell, i) => (
        <CellText key={i} cell={cell} />
      ))}
    </tr>
  );
}

function CellText({ cell }: { readonly cell: Cell }) {
  const { passed, failed, skipped, notRun, worst } = cell;
  const ran = passed + failed > 0;
  return (
    <td class={failed > 0 ? "bad" : ran ? "ran" : ""}>
      <b>{passed}</b> passed
      {failed > 0 && <b class="failed"> {failed} failed</b>}
      {skipped > 0 && <span class="soft">, {skipped} skipped</span>}
      {notRun > 0 && <span class="soft">, {notRun} not run</span>}
      {worst !== null && <small title="the largest error as a fraction of its bound"> worst {ratioText(worst)}</small>}
    </td>
  );
}
