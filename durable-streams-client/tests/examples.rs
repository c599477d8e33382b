//! The examples, run as a user runs them: to their end.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Only an example that hangs takes this long.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs an example to its end, which must be a good one, and gives what it said.
fn run(name: &str) -> String {
    let test = std::env::current_exe().unwrap();
    let built = test.parent().unwrap().parent().unwrap().join("examples");
    let program = built.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let started = Command::new(&program).stdout(Stdio::piped()).spawn();
    // `cargo test --test examples` alone builds no examples.
    let mut child = started.unwrap_or_else(|error| panic!("{}: {error}", program.display()));

    let mut stdout = child.stdout.take().unwrap();
    let (said, heard) = mpsc::channel();
    let listener = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        let _ = said.send(text);
    });
    let text = heard.recv_timeout(LIMIT);
    if text.is_err() {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    listener.join().unwrap();
    let text = text.expect("the example hangs");
    assert!(status.success(), "{status}: {text}");
    text
}

#[test]
fn custom_transport_runs_to_its_end() {
    let said = run("custom_transport");
    let expected = [
        "created       http://127.0.0.1:",
        "written       200 steps, the tail is ",
        "appended      step 202, the tail is ",
        "closed        at ",
        "tailed        203 steps to the end, each once and in order\n",
        "deleted       http://127.0.0.1:",
    ];
    let mut rest = said.as_str();
    for line in expected {
        let at = rest.find(line);
        let at = at.unwrap_or_else(|| panic!("{line:?} is not where it belongs in: {said}"));
        rest = &rest[at + line.len()..];
    }
    assert_eq!(rest.lines().count(), 1, "something behind the end: {said}");
}
