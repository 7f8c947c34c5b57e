#!/usr/bin/env node
import { main } from "./main.ts";

const code = await main(process.argv.slice(2));
// What is written arrives first; then a module that left a timer or a worker behind cannot keep the process.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write("", done))));
process.exit(code);
