// Fails when a dependency of a crate that is published says that it needs a newer Rust than the workspace does.
const { execSync } = require("child_process");

const metadata = JSON.parse(execSync("cargo metadata --format-version 1 --all-features", { maxBuffer: 1 << 28 }));
const packages = new Map(metadata.packages.map((one) => [one.id, one]));
const needed = new Map(metadata.resolve.nodes.map((node) => [
    node.id,
    node.deps.filter((dep) => dep.dep_kinds.some(({ kind }) => kind !== "dev")).map((dep) => dep.pkg),
]));

const reached = new Set();
const open = metadata.workspace_members.filter((id) => packages.get(id).publish === null);
const [oldest] = open.map((id) => packages.get(id).rust_version);
while (open.length > 0) {
    const id = open.pop();
    if (reached.has(id)) continue;
    reached.add(id);
    open.push(...needed.get(id));
}

const minor = (version) => Number(version.split(".")[1]);
const newer = [...reached].map((id) => packages.get(id)).filter((one) => minor(one.rust_version ?? "1.0") > minor(oldest));
for (const { name, version, rust_version } of newer) {
    console.log(`${name} ${version} needs Rust ${rust_version}`);
}
console.log(`${reached.size} crates, Rust ${oldest}`);
process.exitCode = newer.length > 0 ? 1 : 0;
