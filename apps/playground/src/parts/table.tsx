import type { ComponentChildren } from "preact";
import { Scroll } from "./scroll.tsx";

interface TableProps {
  readonly label: string;
  readonly class?: string;
  /** The headings: some `Heads`. */
  readonly head: ComponentChildren;
  /** A last row, apart from the others. */
  readonly foot?: ComponentChildren;
  /** The rows. */
  readonly children: ComponentChildren;
}

/** A table that may be wider than the page. */
export function Table({ label, head, foot, children, ...more }: TableProps) {
  return (
    <Scroll label={label}>
      <table {...more}>
        <thead>
          <tr>{head}</tr>
        </thead>
        <tbody>{children}</tbody>
        {foot && <tfoot>{foot}</tfoot>}
      </table>
    </Scroll>
  );
}

/** Headings of columns: of text or, aligned to the right, of numbers. */
export function Heads({ of, number = false }: { readonly of: readonly string[]; readonly number?: boolean }) {
  return of.map((name) => (
    <th key={name} scope="col" class={number ? "number" : undefined}>
      {name}
    </th>
  ));
}
