const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** HTML that is safe to insert. Only `html` creates it. */
export interface Html {
  readonly markup: string;
}

type Value = Html | string | number | readonly Html[];

/** A template whose strings and numbers are escaped everywhere. Nested templates are not escaped again. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return { markup: parts.reduce((text, part, i) => text + markupOf(values[i - 1] as Value) + part) };
}

/** Wraps text that is already markup: our own styles and scripts. */
export function trusted(markup: string): Html {
  return { markup };
}

function markupOf(value: Value): string {
  if (typeof value === "string") return value.replace(/[&<>"']/g, (c) => ENTITIES[c] as string);
  if (typeof value === "number") return String(value);
  return "markup" in value ? value.markup : value.map(({ markup }) => markup).join("");
}
