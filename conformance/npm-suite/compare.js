// Compares the report of vitest with the tests that are expected to fail: `name of a test # reason`, line by line.
import { readFileSync } from "node:fs";

const [report, list] = process.argv.slice(2);
const tests = JSON.parse(readFileSync(report)).testResults.flatMap((file) => file.assertionResults);
const lines = readFileSync(list, "utf8").split("\n").filter((line) => line && !line.startsWith("#"));
const expected = new Set(lines.map((line) => line.split(" # ")[0].trim()));

let surprises = 0;
const surprise = (text) => { surprises++; console.log(text); };
for (const { fullName, status, failureMessages } of tests) {
    if (status === "failed" && !expected.has(fullName)) surprise(`fails: ${fullName}\n  ${failureMessages[0]?.split("\n")[0]}`);
    if (status === "passed" && expected.has(fullName)) surprise(`is expected to fail, and passes: ${fullName}`);
    expected.delete(fullName);
}
for (const name of expected) surprise(`is expected to fail, and does not exist: ${name}`);

const count = (status) => tests.filter((test) => test.status === status).length;
console.log(`${count("passed")} of ${tests.length} tests pass, ${count("failed")} fail, ${count("skipped")} are skipped`);
process.exitCode = surprises || !count("passed") ? 1 : 0;
