import { mkdirSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { runServer } from "verdaccio";

/** A registry on loopback that serves what is published to it, and gets everything else from the configured one. */
export interface Registry {
  readonly url: string;
  /** The `.npmrc` for installing from it or publishing to it. */
  readonly npmrc: string;
  close(): Promise<void>;
}

/** Runs Verdaccio in this process, on a free port of 127.0.0.1, with its storage in `folder`. */
export async function startRegistry(folder: string, uplink: string): Promise<Registry> {
  mkdirSync(folder, { recursive: true });
  const server: Server = await runServer({
    self_path: folder,
    configPath: join(folder, "config.yaml"),
    storage: join(folder, "storage"),
    web: { enable: false },
    max_body_size: "100mb",
    auth: { htpasswd: { file: join(folder, "htpasswd") } },
    // Otherwise two failed requests would disable the uplink for five minutes; npm retries on its own.
    uplinks: { configured: { url: uplink, timeout: "60s", maxage: "60m", max_fails: 100, fail_timeout: "5s" } },
    packages: {
      // No proxy for @bn: a package that is not published here must not be found elsewhere.
      "@bn/*": { access: "$all", publish: "$authenticated" },
      "**": { access: "$all", proxy: "configured" },
    },
    log: { type: "file", path: join(folder, "log"), format: "json", level: "warn" },
  } as never);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const token = await signUp(`http://${host}`);
  return {
    url: `http://${host}/`,
    npmrc: `registry=http://${host}/\n//${host}/:_authToken=${token}\naudit=false\nfund=false\nupdate-notifier=false\n`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Creates a user of this registry. */
async function signUp(url: string): Promise<string> {
  const name = "rehearsal";
  const response = await fetch(`${url}/-/user/org.couchdb.user:${name}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name, password: crypto.randomUUID() }),
  });
  const { token } = (await response.json()) as { token?: string };
  if (!response.ok || !token) throw new Error(`the registry on loopback gave no token: HTTP ${response.status}`);
  return token;
}
