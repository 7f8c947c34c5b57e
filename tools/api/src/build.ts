// Usage: pnpm docs:api. Builds the API reference of every public package, as HTML in tools/api/dist, from the
// docstrings.
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { tex } from "@mdit/plugin-tex";
import katex from "katex";
import { Application, OptionDefaults, type TypeDocOptions } from "typedoc";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** The folders of packages that are published and can be imported. */
const packages = globSync("packages/*/package.json", { cwd: ROOT })
  .filter((path) => {
    const { private: isPrivate, exports } = JSON.parse(readFileSync(join(ROOT, path), "utf8"));
    return !isPrivate && Object.keys(exports).some((key) => key !== "./package.json");
  })
  .map((path) => join(ROOT, dirname(path)))
  .sort();

/** In a workflow, sources are links to the commit; elsewhere there is no target for a link. */
const { GITHUB_REPOSITORY: repository, GITHUB_SHA: commit } = process.env;
const sources: TypeDocOptions = repository
  ? {
      disableGit: true,
      gitRevision: commit ?? "main",
      sourceLinkTemplate: `https://github.com/${repository}/blob/{gitRevision}/{path}#L{line}`,
    }
  : { disableSources: true };

// Not validated: types that exports use without being exported (users need not name them), and links to folders.
const validation = { notExported: false, invalidLink: true, invalidPath: false };
const options: TypeDocOptions = {
  name: "@bn",
  entryPointStrategy: "packages",
  entryPoints: packages,
  readme: join(ROOT, "README.md"),
  // The guides are pages next to the reference.
  projectDocuments: [join(ROOT, "docs/*.md"), join(ROOT, "docs/errors/*.md"), join(ROOT, "CONTRIBUTING.md")],
  // Formulas become MathML, which browsers draw without fonts or scripts.
  markdownItLoader(parser) {
    parser.use(tex, {
      mathFence: true,
      render: (source: string, displayMode: boolean) => katex.renderToString(source, { displayMode, output: "mathml" }),
    });
  },
  ignoredHighlightLanguages: ["math"],
  out: fileURLToPath(new URL("../dist/", import.meta.url)),
  githubPages: false,
  hideGenerator: true,
  validation,
  packageOptions: {
    ...sources,
    validation,
    includeVersion: true,
    excludeInternal: true,
    excludePrivate: true,
    // The protobuf generator uses this tag for the field of the schema.
    blockTags: [...OptionDefaults.blockTags, "@generated"],
  },
};

const app = await Application.bootstrap(options);
const project = await app.convert();
if (!project) process.exit(1);
app.validate(project);
await app.generateOutputs(project);
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1);
