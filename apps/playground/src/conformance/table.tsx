import { type Cell, type Report, ratioText, tabulate } from "@bn/conformance/report";
import { Scroll } from "../parts/scroll.tsx";

/** Passed, failed, skipped and the worst error, by group and backend. */
export function ResultTable({ report, caption }: { readonly report: Report; readonly caption: string }) {
  const { backends, rows, total } = tabulate(report);
  return (
    <>
      <p class="soft">{caption}</p>
      <Scroll label={caption}>
        <table class="results">
          <thead>
            <tr>
              <th scope="col">group</th>
              {backends.map((name) => (
                <th scope="col" key={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ group, cells }) => (
              <tr key={group}>
                <th scope="row">{group}</th>
                {cells.map((cell, i) => (
                  <CellText key={backends[i]} cell={cell} />
                ))}
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">total</th>
              {total.map((cell, i) => (
                <CellText key={backends[i]} cell={cell} />
              ))}
            </tr>
          </tfoot>
        </table>
      </Scroll>
    </>
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
