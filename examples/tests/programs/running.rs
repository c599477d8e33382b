//! Programs as processes, which end with the test.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Only an example that hangs takes this long.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// A program that ends with the test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn start(program: &str, arguments: &[&str]) -> Running {
    let mut command = Command::new(program);
    Running(
        command
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    )
}

/// Runs an example to its end, which must be a good one, and gives what it said. It brings its own server, unless the environment
/// names the stream root of another.
pub(crate) fn run(program: &str) -> String {
    run_with(program, &[])
}

/// The same with more arguments.
pub(crate) fn run_with(program: &str, arguments: &[&str]) -> String {
    let root = std::env::var("DURABLE_STREAMS_ROOT").ok();
    let root = root.iter().map(String::as_str);
    let arguments: Vec<&str> = root.chain(arguments.iter().copied()).collect();
    let mut running = start(program, &arguments);
    let mut stdout = running.0.stdout.take().unwrap();
    let (said, heard) = mpsc::channel();
    let listener = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        let _ = said.send(text);
    });
    let text = heard.recv_timeout(LIMIT).expect("the example hangs");
    let status = running.0.wait().unwrap();
    listener.join().unwrap();
    assert!(status.success(), "{status}: {text}");
    text
}
