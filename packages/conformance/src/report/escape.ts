const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** HTML that is safe to insert. Made by `html` alone. */
export interface Html {
  readonly markup: string;
}

type Value = Html | string | number | readonly Html[];

/** A template whose strings and numbers are escaped, wherever they stand; nested templates are not escaped again. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return { markup: parts.reduce((text, part, i) => text + markupOf(values[i - 1] as Value) + part) };
}

/** Text that is markup already: styles and scripts that we wrote. */
export function trusted(markup: string): Html {
  return { markup };
}

function markupOf(value: Value): string {
  if (typeof value === "string") return value.replace(/[&<>"']/g, (c) => ENTITIES[c] as string);
  if (typeof value === "number") return String(value);
  return "markup" in value ? value.markup : value.map(({ markup }) => markup).join("");
}
