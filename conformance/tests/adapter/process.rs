//! The program itself: started, spoken to, and ended, over every transport.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Server, path};

const PROGRAM: &str = env!("CARGO_BIN_EXE_durable-streams-conformance");

/// Executables for a runner that starts them without arguments.
#[cfg(unix)]
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/adapters");

const TRANSPORTS: [&str; 3] = ["hyper", "isahc", "reqwest"];

/// The program, its input, and its lines as they come.
struct Program {
    child: Child,
    input: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
}

impl Program {
    fn over(transport: &str) -> Self {
        Self::start(Command::new(PROGRAM).args(["adapter", "--transport", transport]))
    }

    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (told, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines() {
                if told.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take();
        Self {
            child,
            input,
            lines,
        }
    }

    fn tell(&mut self, command: &Value) -> Value {
        writeln!(self.input.as_ref().unwrap(), "{command}").unwrap();
        let line = self.lines.recv_timeout(Duration::from_secs(60));
        serde_json::from_str(&line.expect("a result")).unwrap()
    }

    /// It ends by itself, well, and without another word.
    fn end(mut self) {
        let more = self.lines.recv_timeout(Duration::from_secs(60));
        assert_eq!(more, Err(mpsc::RecvTimeoutError::Disconnected));
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_speaks_on_its_standard_streams_over_every_transport() {
    let server = Server::start().await;
    for transport in TRANSPORTS {
        for shuts_down in [true, false] {
            let mut program = Program::over(transport);
            let path = path();
            let init = program.tell(&json!({"type": "init", "serverUrl": server.url()}));
            assert_eq!(init["clientName"], format!("durable-streams-{transport}"));
            for command in [
                json!({"type": "create", "path": path, "contentType": "text/plain"}),
                json!({"type": "append", "path": path, "data": "a"}),
                json!({"type": "idempotent-append", "path": path, "data": "b", "producerId": "p"}),
                json!({"type": "idempotent-close", "path": path, "data": "c", "producerId": "p"}),
            ] {
                let result = program.tell(&command);
                assert_eq!(result["success"], true, "{transport}: {result}");
            }
            for live in [json!(false), json!("long-poll"), json!("sse")] {
                let read = program.tell(&json!({"type": "read", "path": path, "live": live}));
                assert_eq!(read["chunks"][0]["data"], "abc", "{transport}: {read}");
            }
            if shuts_down {
                let result = program.tell(&json!({"type": "shutdown"}));
                assert_eq!(result, json!({"type": "shutdown", "success": true}));
            } else {
                // A producer that lives, and no word of farewell.
                let path = crate::support::path();
                program.tell(&json!({"type": "create", "path": path}));
                let append = json!({"type": "idempotent-append", "path": path, "data": "x", "producerId": "p"});
                assert_eq!(program.tell(&append)["success"], true);
                program.input = None;
            }
            program.end();
        }
    }
}

#[test]
fn the_program_needs_a_transport_that_it_has() {
    for arguments in [vec!["adapter"], vec!["adapter", "--transport", "pigeon"]] {
        let output = Command::new(PROGRAM).args(arguments).output().unwrap();
        assert!(!output.status.success());
        assert!(
            output.stdout.is_empty(),
            "the standard output is for results"
        );
    }
}

#[cfg(unix)]
#[test]
fn there_is_a_script_for_every_transport_and_it_runs_the_program_over_that() {
    use std::path::Path;

    let entries = std::fs::read_dir(SCRIPTS).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, TRANSPORTS);

    // A target directory in which the program is where a release build would put it.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(std::process::id().to_string());
    let release = target.join("release");
    // Of a process that had this number before.
    let _ = std::fs::remove_dir_all(&target);
    std::fs::create_dir_all(&release).unwrap();
    let program = release.join("durable-streams-conformance");
    std::os::unix::fs::symlink(PROGRAM, &program).unwrap();
    for name in &names {
        let script = Path::new(SCRIPTS).join(name);
        let mut program = Program::start(Command::new(script).env("CARGO_TARGET_DIR", &target));
        let init = program.tell(&json!({"type": "init", "serverUrl": "http://127.0.0.1:1"}));
        assert_eq!(init["clientName"], format!("durable-streams-{name}"));
        program.tell(&json!({"type": "shutdown"}));
        program.end();
    }
    std::fs::remove_dir_all(&target).unwrap();
    for name in &names {
        let script = Path::new(SCRIPTS).join(name);
        let output = Command::new(script)
            .env("CARGO_TARGET_DIR", &target)
            .output()
            .unwrap();
        assert!(!output.status.success());
        assert!(output.stdout.is_empty());
        let why = String::from_utf8(output.stderr).unwrap();
        assert!(why.contains("cargo build --release"), "{why}");
    }
}
