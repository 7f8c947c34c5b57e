#!/usr/bin/env node
import { drained, main } from "./main.ts";

const code = await main(process.argv.slice(2));
// What is written arrives first; then a module that left a timer or a worker behind cannot keep the process.
await drained();
process.exit(code);
