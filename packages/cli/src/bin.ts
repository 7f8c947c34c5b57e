#!/usr/bin/env node
import { drained, main } from "./main.ts";

const code = await main(process.argv.slice(2));
// Waits until the output is written, then exits: a module may have left a timer or a worker that would keep the process
// alive.
await drained();
process.exit(code);
