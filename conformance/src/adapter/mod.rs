//! The client adapter: lets a conformance runner drive the client over lines of JSON.
//!
//! A runner starts a program, sends it commands on its standard input, one JSON object in each line, and compares the results that
//! the program writes to its standard output, one for each command, in order:
//!
//! ```text
//! > {"type":"create","path":"/s","contentType":"text/plain"}
//! < {"type":"create","success":true,"status":201,"offset":"0000000000000000_0000000000000000"}
//! > {"type":"read","path":"/nope"}
//! < {"type":"error","success":false,"commandType":"read","status":404,"errorCode":"NOT_FOUND","message":"…"}
//! ```
//!
//! There is no protocol in here: each command is a few calls of the client's public API, over whatever transport the caller connects.
//! A result says what these calls came to. Where the results have a fixed status (200 for an append, whatever a server says on success),
//! they have it only after the client reported a success.

mod benchmark;
mod command;
mod dynamic;
mod failure;
mod outcome;
mod producers;
mod reads;
mod session;
mod streams;
mod validate;

use std::io;
use std::time::Duration;

use durable_streams_client::{ClientBuilder, Error, RetryPolicy};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use self::command::{Command, Init, parse};
use self::dynamic::Dynamic;
use self::failure::{Code, Failed};
use self::outcome::Outcome;
use self::session::Session;

/// How long one attempt may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// What fails is tried again a few times: faults come by ones and twos, and a server that keeps failing is to be reported long before
/// the runner stops to wait.
pub(crate) fn retries() -> RetryPolicy {
    RetryPolicy::endless()
        .max(Duration::from_millis(500))
        .give_up_after(8, Duration::ZERO)
}

/// Answers commands until the runner says `shutdown` or the input ends.
///
/// `name` is what the adapter introduces itself with. `connect` begins a client for the URL of a server.
///
/// # Errors
/// When the input cannot be read or the output not written. What goes wrong in a command is its result.
///
/// # Cancel safety
/// Dropping the future drops the command under way. What it wrote may be stored.
pub async fn run<I, O, C>(name: &str, mut input: I, mut output: O, connect: C) -> io::Result<()>
where
    I: AsyncBufRead + Unpin,
    O: AsyncWrite + Unpin,
    C: Fn(&str) -> Result<ClientBuilder, Error>,
{
    let mut adapter = Adapter {
        name,
        connect,
        session: None,
    };
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let result = adapter.answer(&line).await;
        let last = matches!(&result, Ok(Outcome::Shutdown));
        output.write_all(outcome::line(result)?.as_bytes()).await?;
        output.flush().await?;
        if last {
            return Ok(());
        }
    }
}

struct Adapter<'a, C> {
    name: &'a str,
    connect: C,
    /// What `init` begins.
    session: Option<Session>,
}

impl<C: Fn(&str) -> Result<ClientBuilder, Error>> Adapter<'_, C> {
    /// What a line comes to; a failure with the type of the command it was.
    async fn answer(&mut self, line: &[u8]) -> Result<Outcome, (String, Failed)> {
        let (kind, command) = parse(line)?;
        let limit = command.limit();
        let done = timeout(limit, self.perform(command)).await;
        let done = done.unwrap_or_else(|_| {
            let why = format!("no end within {limit:?}; what was written may be stored");
            Err(Failed::new(Code::Timeout, why))
        });
        done.map_err(|failed| (kind, failed))
    }

    async fn perform(&mut self, command: Command) -> Result<Outcome, Failed> {
        match command {
            Command::Init(init) => self.init(init),
            Command::Create(create) => streams::create(self.session()?, create).await,
            Command::Connect(address) => streams::connect(self.session()?, &address).await,
            Command::Append(append) => streams::append(self.session()?, append).await,
            Command::Read(read) => reads::read(self.session()?, read).await,
            Command::Head(address) => streams::head(self.session()?, &address).await,
            Command::Delete(address) => streams::delete(self.session()?, &address).await,
            Command::Close(close) => streams::close(self.session()?, close).await,
            Command::IdempotentAppend(produce) => producers::append(self.session()?, produce).await,
            Command::IdempotentAppendBatch(batch) => {
                producers::append_batch(self.session()?, batch).await
            }
            Command::IdempotentClose(close) => producers::close(self.session()?, close).await,
            Command::IdempotentDetach(producer) => {
                producers::detach(self.session()?, producer).await
            }
            Command::SetDynamicHeader(set) => {
                self.session()?.dynamic.set_header(set)?;
                Ok(Outcome::SetDynamicHeader)
            }
            Command::SetDynamicParam(set) => {
                self.session()?.dynamic.set_param(set)?;
                Ok(Outcome::SetDynamicParam)
            }
            Command::ClearDynamic => {
                self.session()?.dynamic = Dynamic::default();
                Ok(Outcome::ClearDynamic)
            }
            Command::Validate { target } => validate::validate(self.session()?, target),
            Command::Benchmark(benchmark) => benchmark::run(self.session()?, benchmark).await,
            Command::Shutdown => {
                self.session = None;
                Ok(Outcome::Shutdown)
            }
            Command::Unknown => {
                let why = "this adapter knows no such command";
                Err(Failed::new(Code::NotSupported, why))
            }
        }
    }

    /// Begins a session. Nothing is left of the one before.
    fn init(&mut self, init: Init) -> Result<Outcome, Failed> {
        self.session = None;
        let limit = init.timeout_ms.map(Duration::from_millis);
        let builder = (self.connect)(&init.server_url)?
            .request_timeout(limit.unwrap_or(REQUEST_TIMEOUT))
            .retry(retries())
            .read_retry(retries());
        self.session = Some(Session::new(init.server_url, builder.build()?));
        Ok(Outcome::init(self.name))
    }

    fn session(&mut self) -> Result<&mut Session, Failed> {
        let session = self.session.as_mut();
        session.ok_or_else(|| Failed::invalid("init comes first"))
    }
}
