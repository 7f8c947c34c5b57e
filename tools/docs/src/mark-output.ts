// Imported before a fence runs: ends what each console.log prints with a record separator, so that the test can tell
// one call's output from the next.
const { log } = console;
console.log = (...values: unknown[]) => {
  log(...values);
  process.stdout.write("\x1e");
};
