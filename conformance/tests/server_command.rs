//! The command `server` and its companions, as a script uses them: exit codes and files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use durable_streams_conformance::embedded::Server;
use durable_streams_conformance::reference::Config;
use durable_streams_conformance::server_suite::Report;

/// A folder of this process, which goes when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("durable-streams-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_durable-streams-conformance");
    Command::new(program).args(arguments).output().unwrap()
}

fn code(arguments: &[&str]) -> Option<i32> {
    run(arguments).status.code()
}

async fn server() -> (Server, String) {
    let server = Server::start(Config::default()).await.unwrap();
    let root = format!("{}/v1/stream", server.url());
    (server, root)
}

fn text(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}

#[tokio::test]
async fn exit_codes_tell_what_happened() {
    let (server, root) = server().await;
    assert_eq!(code(&["server", &root, "create"]), Some(0));
    assert_eq!(code(&["server", &root, "no-such-case"]), Some(4));
    assert_eq!(code(&["server", "ftp://127.0.0.1/"]), Some(2));
    assert_eq!(code(&["server", &root, "--report", "pdf=x"]), Some(2));
    assert_eq!(
        code(&["server", &root, "--expected-failures", "/no/such/file"]),
        Some(2)
    );
    let url = server.url();
    server.shutdown().await;
    assert_eq!(code(&["server", &url, "create.new"]), Some(3));
}

#[tokio::test]
async fn every_report_is_written() {
    let (_server, root) = server().await;
    let folder = Folder::new("reports");
    let formats = ["json", "junit", "html", "md", "tap", "badge"];
    let targets = formats.map(|format| format!("{format}={}", folder.file(format).display()));
    let mut arguments = vec![
        "server",
        &root,
        "create.new",
        "--header",
        "Authorization: Bearer s3cret",
    ];
    for target in &targets {
        arguments.extend(["--report", target]);
    }
    assert_eq!(code(&arguments), Some(0));
    let report = Report::from_json(&text(&folder.file("json"))).unwrap();
    assert_eq!(report.counts().pass, 4);
    for (format, part) in [
        ("junit", "<testcase name=\"create.new.answers-201\""),
        ("html", "<code>create.new.answers-201</code>"),
        ("md", "| 4 | 0 | 0 |"),
        ("tap", "ok 1 - create.new.answers-201"),
        ("badge", "\"conformant\""),
    ] {
        let text = text(&folder.file(format));
        assert!(text.contains(part), "{format}: {text}");
        assert!(!text.contains("s3cret"), "{format}");
    }
}

#[tokio::test]
async fn an_expected_failure_that_passes_is_stale() {
    let (_server, root) = server().await;
    let folder = Folder::new("baseline");
    let known = folder.file("known");
    fs::write(&known, "create.new.answers-201 # since ever\n").unwrap();
    let known = known.to_str().unwrap();
    let output = run(&["server", &root, "create.new", "--expected-failures", known]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("expected to fail"));
    // One that fails at times is not, and one that does not exist is a mistake.
    let others = folder.file("others");
    let target = others.to_str().unwrap();
    let arguments = ["server", &root, "create.new", "--expected-failures", target];
    fs::write(&others, "create.new.answers-201 ? it is a race\n").unwrap();
    assert_eq!(code(&arguments), Some(0));
    fs::write(&others, "create.no-such-case # since ever\n").unwrap();
    assert_eq!(code(&arguments), Some(2));
    // Where nothing fails there is nothing to know.
    let written = folder.file("written");
    let target = written.to_str().unwrap();
    assert_eq!(
        code(&["server", &root, "create.new", "--write-baseline", target]),
        Some(0)
    );
    assert_eq!(text(&written), "");
}

#[test]
fn cases_and_requirements_are_explained() {
    let explained = run(&["explain", "create.again.answers-200"]);
    assert!(String::from_utf8_lossy(&explained.stdout).contains("5.1-01"));
    let explained = run(&["explain", "5.1-01"]);
    assert!(String::from_utf8_lossy(&explained.stdout).contains("create.again.answers-200"));
    assert_ne!(code(&["explain", "nothing"]), Some(0));
    assert_eq!(code(&["list", "create"]), Some(0));
    assert_eq!(code(&["list", "no-such-case"]), Some(4));
}

#[tokio::test]
async fn what_a_server_has_can_be_named() {
    let (_server, root) = server().await;
    let folder = Folder::new("caps");
    let skipped = |caps: &str| {
        let file = folder.file(caps);
        let report = format!("json={}", file.display());
        let select = ["server", &root, "forks.type", "long-poll.content"];
        code(&[&select[..], &["--caps", caps, "--report", &report]].concat());
        Report::from_json(&text(&file)).unwrap().counts().skip
    };
    assert_eq!(skipped("write,fork,long-poll"), 0);
    let (forks, polls) = (skipped("write,long-poll"), skipped("write,fork"));
    assert!(forks > 0 && polls > 0);
    assert_eq!(skipped("write"), forks + polls);
    assert_eq!(code(&["server", &root, "--caps", "everything"]), Some(2));
}

#[tokio::test]
async fn a_command_restarts_the_server() {
    let (_server, root) = server().await;
    let folder = Folder::new("restart");
    let (told, report) = (folder.file("told"), folder.file("report.json"));
    // It tells, and has nothing else to do: the server keeps what it has anyway.
    let command = format!("echo restarted >> {}", told.display());
    let report_as = format!("json={}", report.display());
    let arguments = ["server", &root, "restart", "--report", &report_as];
    assert_eq!(
        code(&[&arguments[..], &["--restart", &command]].concat()),
        Some(0)
    );
    let report = Report::from_json(&text(&report)).unwrap();
    assert_eq!(text(&told).lines().count(), report.counts().pass);
    // One that fails is no verdict on the server.
    assert_eq!(
        code(&[&arguments[..], &["--restart", "exit 1"]].concat()),
        Some(3)
    );
    // Without one, nothing can be said.
    assert_eq!(code(&arguments[..3]), Some(3));
}

#[test]
fn bench_measures_what_is_asked_for_and_writes_reports() {
    let folder = Folder::new("bench");
    let files = [folder.file("b.json"), folder.file("b.html")];
    let json = format!("json={}", files[0].display());
    let html = format!("html={}", files[1].display());
    let few = ["--rounds", "1", "--appends", "3", "--scenario", "append"];
    let which = ["bench", "--embedded", "--transport", "reqwest"];
    let reports = ["--report", &json, "--report", &html];
    let output = run(&[&which[..], &few, &reports].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: serde_json::Value = serde_json::from_str(&text(&files[0])).unwrap();
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    for row in rows {
        assert_eq!(
            (&row["scenario"], &row["transport"]),
            (&"append".into(), &"reqwest".into())
        );
        assert!(row["client"].as_f64() > Some(0.0) && row["bare"].as_f64() > Some(0.0));
    }
    assert!(text(&files[1]).contains("<svg"));
    // Nothing to measure against.
    assert_eq!(code(&["bench"]), Some(2));
}
