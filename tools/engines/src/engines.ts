import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Driven, DriveOptions } from "./drive/driven.ts";
import { driveFirefox } from "./drive/firefox.ts";
import { driveWebKit } from "./drive/webkit.ts";

export type EngineName = "Firefox" | "WebKitGTK";

/** A browser of this machine. It opens a page without a driver, or is driven as a person would use it. */
export interface Engine {
  readonly name: EngineName;
  /** The Debian packages that it needs, each with a program that shows whether it is installed. */
  readonly packages: readonly (readonly [name: string, program: () => string | null])[];
  /** Prepares `profile`, an empty folder, and returns the command that opens `url`. */
  command(profile: string, url: string): readonly string[];
  /** Starts it with its own automation protocol. */
  drive(options: DriveOptions): Promise<Driven>;
}

export const ENGINES: readonly Engine[] = [
  {
    name: "Firefox",
    packages: [["firefox-esr", () => onPath("firefox-esr")]],
    command: (profile, url) => [...firefox(profile), url],
    drive: (options) => driveFirefox(firefox, options),
  },
  {
    name: "WebKitGTK",
    packages: [
      ["webkit2gtk-driver", miniBrowser],
      ["xvfb", () => onPath("xvfb-run")],
    ],
    command: (_profile, url) => ["xvfb-run", "-a", miniBrowser() ?? "MiniBrowser", "--private", url],
    drive: (options) => driveWebKit(miniBrowser() ?? "MiniBrowser", options),
  },
];

/** WebGPU is off by default on Linux. With a software driver it is refused unless the blocklist is ignored. */
const FIREFOX: readonly (readonly [name: string, on: boolean])[] = [
  ["dom.webgpu.enabled", true],
  ["gfx.webgpu.ignore-blocklist", true],
  ["app.update.auto", false],
  ["browser.shell.checkDefaultBrowser", false],
  ["datareporting.policy.dataSubmissionEnabled", false],
];

/** Prepares the profile and returns the command without the page. */
function firefox(profile: string): string[] {
  writeFileSync(join(profile, "user.js"), FIREFOX.map(([name, on]) => `user_pref("${name}", ${on});\n`).join(""));
  return ["firefox-esr", "--headless", "--no-remote", "--profile", profile];
}

/** The Debian packages for `engine` that this machine lacks. */
export function missing(engine: Pick<Engine, "packages">): string[] {
  return engine.packages.filter(([, program]) => program() === null).map(([name]) => name);
}

function onPath(program: string): string | null {
  const folders = (process.env.PATH ?? "").split(":");
  return folders.map((folder) => join(folder, program)).find(existsSync) ?? null;
}

/** The program is in a folder that depends on the architecture and the library's version. */
function miniBrowser(): string | null {
  for (const architecture of entries("/usr/lib")) {
    const folder = join("/usr/lib", architecture);
    if (!architecture.includes("-linux-")) continue;
    for (const version of entries(folder).filter((name) => name.startsWith("webkit2gtk-4"))) {
      const program = join(folder, version, "MiniBrowser");
      if (existsSync(program)) return program;
    }
  }
  return null;
}

function entries(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
