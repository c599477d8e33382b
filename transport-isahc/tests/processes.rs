//! What needs processes of their own: that no tokio is at work, and that the environment is not asked about proxies.
//!
//! A server would bring its runtime along, so it is this binary in another process. The client is a third one, because
//! an environment cannot be changed from within.

use std::env;
use std::error::Error as StdError;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use bytes::Bytes;
use durable_streams_conformance::embedded::Server;
use durable_streams_isahc::{Batch, DurableStream, Error, IsahcTransport, Live, Transport, client};
use http::Request;
use isahc::config::Configurable;
use smol::future::{block_on, try_zip};

#[path = "transport/proxy.rs"]
mod proxy;

use proxy::Proxy;

type Outcome = Result<(), Box<dyn StdError>>;

const SERVE: &str = "serve";
const USE: &str = "use";

fn main() -> Outcome {
    let mut arguments = env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some(SERVE), _) => serve(),
        (Some(USE), Some(root)) => use_it(&root),
        // What a runner of tests has to say changes nothing.
        _ => run(),
    }
}

fn run() -> Outcome {
    let mut serving = Command::new(env::current_exe()?)
        .arg(SERVE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut root = String::new();
    let said = serving.stdout.take().ok_or("there is no pipe")?;
    BufReader::new(said).read_line(&mut root)?;

    let mut using = Command::new(env::current_exe()?);
    using.args([USE, root.trim()]);
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
        // Port 0: nobody can listen there.
        using.env(name, "http://127.0.0.1:0");
        using.env(name.to_uppercase(), "http://127.0.0.1:0");
    }
    using.env("no_proxy", "*").env("NO_PROXY", "*");
    let used = using.status()?;

    // The end of its standard input ends the server.
    drop(serving.stdin.take());
    let served = serving.wait()?;
    assert!(used.success() && served.success(), "{used}, {served}");
    println!("test processes ... ok");
    Ok(())
}

fn serve() -> Outcome {
    let server = block_on(Server::start(Default::default()))?;
    println!("{}/v1/stream", server.url());
    io::stdout().flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn use_it(root: &str) -> Outcome {
    let client = client(root)?.build()?;
    // Executors that have nothing in common.
    block_on(everything(client.stream("here")))?;
    smol::block_on(smol::spawn(everything(client.stream("elsewhere"))))?;
    assert_no_tokio()?;
    the_environment_excepts_nothing_from_a_proxy()
}

/// Creates, appends, reads, follows, writes and closes.
async fn everything(stream: DurableStream) -> Result<(), Error> {
    stream.create().content_type("application/json").await?;
    stream.append_json(&1).await?;
    stream.append_json_batch([2, 3]).await?;
    let mut reader = stream.read().start();
    let mut read = Vec::new();
    while let Some(batch) = reader.next().await? {
        read.extend(messages(&batch));
    }
    assert_eq!(read, [1, 2, 3]);

    for (next, live) in (4..).zip([Live::Sse, Live::LongPoll]) {
        let mut reader = stream
            .read()
            .from(reader.checkpoint().clone())
            .live(live)
            .start();
        let follow = async {
            let mut followed = Vec::new();
            while followed.len() < next - 3 {
                match reader.next().await? {
                    Some(batch) => followed.extend(messages(&batch)),
                    None => break,
                }
            }
            Ok(followed)
        };
        let append = async { stream.append_json(&next).await };
        let (followed, _) = try_zip(follow, append).await?;
        assert_eq!(followed, (4..=next).collect::<Vec<_>>());
    }

    let writer = stream.writer("writer").start();
    for number in 6..100 {
        writer.append_json(&number).await?;
    }
    writer.flush().await?;
    writer.close_stream().await?;
    let mut reader = stream.read().from(reader.checkpoint().clone()).start();
    let mut rest = Vec::new();
    while let Some(batch) = reader.next().await? {
        rest.extend(messages(&batch));
    }
    assert_eq!(rest, (4..100).collect::<Vec<_>>());
    assert!(reader.is_closed());
    Ok(())
}

fn messages(batch: &Batch) -> Vec<usize> {
    let messages: Result<_, _> = batch.json().collect();
    messages.expect("numbers")
}

/// Neither here nor on a thread of its own.
fn assert_no_tokio() -> Outcome {
    assert!(tokio::runtime::Handle::try_current().is_err());
    if cfg!(target_os = "linux") {
        let mut names = Vec::new();
        for thread in fs::read_dir("/proc/self/task")? {
            names.push(fs::read_to_string(thread?.path().join("comm"))?);
        }
        assert!(names.iter().any(|name| name.starts_with("isahc-agent")));
        assert!(
            !names.iter().any(|name| name.contains("tokio")),
            "{names:?}"
        );
    }
    Ok(())
}

/// `no_proxy` says that the name is not for a proxy.
fn the_environment_excepts_nothing_from_a_proxy() -> Outcome {
    let proxy = Proxy::start()?;
    let url = proxy.url();
    let transport = IsahcTransport::with(move |client| client.proxy(url.clone()))?;
    let request = Request::get("http://stream.invalid/").body(Bytes::new())?;
    let answer = block_on(transport.send(request))?;
    assert_eq!(answer.status(), 200);
    assert_eq!(proxy.asked(), ["GET http://stream.invalid/ HTTP/1.1"]);
    Ok(())
}
