//! The program itself: started, spoken to, and ended, over every transport.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Server, path};

const TRANSPORTS: [&str; 3] = ["hyper", "isahc", "reqwest"];

/// The program, its input, and its lines as they come.
struct Program {
    child: Child,
    input: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
}

impl Program {
    fn start(transport: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_durable-streams-conformance"))
            .args(["adapter", "--transport", transport])
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
            let mut program = Program::start(transport);
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
                program.tell(&json!({"type": "create", "path": crate::support::path()}));
                program.input = None;
            }
            program.end();
        }
    }
}

#[test]
fn the_program_needs_a_transport_that_it_has() {
    for arguments in [vec!["adapter"], vec!["adapter", "--transport", "pigeon"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_durable-streams-conformance"))
            .args(arguments)
            .output()
            .unwrap();
        assert!(!output.status.success());
        assert!(
            output.stdout.is_empty(),
            "the standard output is for results"
        );
    }
}
