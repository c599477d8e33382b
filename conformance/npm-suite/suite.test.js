// The suite of the npm package, against the server at ROOT. The package's own command finds no test file where it is installed:
// vitest leaves node_modules out.
import { runConformanceTests } from "@durable-streams/server-conformance-tests";

// With webhooks, for which the server has to take loopback addresses.
runConformanceTests({ baseUrl: process.env.ROOT, subscriptions: true });
