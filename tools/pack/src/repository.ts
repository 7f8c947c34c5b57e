// Gives every public package the `repository` against which npm checks provenance, and with which the registry's pages
// resolve the links of a README. It is read from the workflow's environment, so that it is right in a fork or after a
// move.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const packages = fileURLToPath(new URL("../../../packages/", import.meta.url));
const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env;
if (!server || !name) {
  process.stderr.write(
    `GITHUB_SERVER_URL is ${server}, GITHUB_REPOSITORY is ${name}; expected the repository to publish from, as the release workflow has it: https://github.com and OWNER/NAME\n`,
  );
  process.exit(2);
}
for (const folder of readdirSync(packages)) {
  const path = join(packages, folder, "package.json");
  const manifest = JSON.parse(readFileSync(path, "utf8"));
  if (manifest.private) continue;
  manifest.repository = { type: "git", url: `git+${server}/${name}.git`, directory: `packages/${folder}` };
  writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
}
