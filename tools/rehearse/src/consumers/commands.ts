import { cpSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Command, commandsOf, sameOutput } from "@bn/docs-check/commands";
import { fencesOf } from "@bn/docs-check/fences";
import { type Page, pages } from "@bn/docs-check/pages";
import { type Site, type } from "../site.ts";
import type { Step } from "../tree.ts";

/** Commands that start .ci/run's steps, including the rehearsal, which would start again from here. */
export const BY_CI: readonly string[] = ["test", "check", "docs:api", "release:rehearse"];

/** Pages that tell a reader to copy the folder that contains them. Other pages begin in an empty folder. */
const TEMPLATES: ReadonlySet<string> = new Set(["examples/write-a-backend/README.md"]);

/**
 * Commands that serve until they are ended. The step before this one builds the same site, and its own tests use it.
 */
const SERVES: readonly string[] = ["playground", "playground:build"];

export const pagesWithCommands = (): Page[] => pages().filter((page) => commandsOf(page).length > 0);

/**
 * (e), (f) Runs every command that a page shows, and compares the output with the page's. Commands for a clone run in
 * the copy that was published. All others run in a folder per page, which contains the programs that the page names.
 */
export async function runCommands(site: Site, step: Step): Promise<string> {
  const all = pagesWithCommands();
  const inClone = new Map<string, string>();
  let count = 0;
  for (const page of all) {
    await step(`the commands of ${page.path}`, async () => {
      const folder = readersFolder(site, page);
      for (const command of commandsOf(page)) {
        const script = scriptOfClone(command);
        if (command.text === "bash .ci/run" || (script !== null && [...BY_CI, ...SERVES].includes(script))) continue;
        const printed = inClone.get(command.text) ?? (await execute(command, script === null ? folder : site.tree));
        if (script !== null) inClone.set(command.text, printed);
        if (command.prints !== null && !sameOutput(printed, command.prints)) {
          throw new Error(`${command.where}: ${command.text}\nprinted\n${printed}\nthe page says\n${command.prints}`);
        }
        count++;
      }
    });
  }
  return `${count} commands of ${all.length} pages`;
}

/** `conformance` in `npx -y pnpm@12.18.0 conformance`; null for a command of a reader's own project. */
function scriptOfClone({ text }: Command): string | null {
  return /^npx -y pnpm@\S+ (\S+)/.exec(text)?.[1] ?? null;
}

function readersFolder(site: Site, page: Page): string {
  const programs = fencesOf(page).filter(({ file }) => !file.startsWith("line-"));
  const name = join("commands", page.path.replace(/\W+/g, "-"));
  if (!TEMPLATES.has(page.path))
    return site.folder(name, Object.fromEntries(programs.map((one) => [one.file, one.code])));
  const folder = site.folder(name);
  cpSync(join(site.tree, dirname(page.path)), folder, { recursive: true });
  return folder;
}

function execute({ where, text }: Command, cwd: string): Promise<string> {
  return type(cwd, text, 600).catch((error: Error) => {
    throw new Error(`${where}: ${error.message}`);
  });
}
