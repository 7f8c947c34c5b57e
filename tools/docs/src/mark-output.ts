// Imported before a fence runs. Ends the output of each console.log with a record separator, so that the test can
// distinguish the calls.
const { log } = console;
console.log = (...values: unknown[]) => {
  log(...values);
  process.stdout.write("\x1e");
};
