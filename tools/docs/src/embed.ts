import { mapTable, varianceTable } from "./numerics.ts";

const TABLES = { mapTable, varianceTable };

/** The page with each block `<!-- numerics: NAME -->...<!-- /numerics -->` computed anew. */
export function withTables(page: string): string {
  return page.replace(/(<!-- numerics: (\w+) -->\n)[\s\S]*?(<!-- \/numerics -->)/g, (_, open, name, close) => {
    if (!(name in TABLES)) throw new Error(`no table ${name}; there are ${Object.keys(TABLES).join(", ")}`);
    return `${open}\n${TABLES[name as keyof typeof TABLES]()}\n\n${close}`;
  });
}
