//! The client without async, over real sockets: on a thread without a runtime, and on those of one.

use std::time::Duration;

use durable_streams_conformance::embedded::Server;
use durable_streams_hyper::blocking::block_on;
use durable_streams_hyper::{Ended, ErrorKind, Live, background_client, handler_fn};

fn create_write_tail_and_consume() {
    let server = block_on(Server::start(Default::default())).unwrap();
    let client = background_client(&server.url()).unwrap().build().unwrap();
    let stream = client.stream("s");
    let create = stream.create().content_type("application/json");
    assert!(create.wait().unwrap().created);

    let writer = stream.writer("w").start_blocking();
    for n in 0..100 {
        writer.append_json(&n).unwrap();
    }
    writer.close_stream().unwrap();

    let mut got = Vec::new();
    let mut reader = stream.read().live(Live::Sse).start_blocking();
    while let Some(batch) = reader.next_within(Duration::from_secs(60)).unwrap() {
        got.extend(batch.unwrap().json::<u64>().map(Result::unwrap));
    }
    assert_eq!(got, (0..100).collect::<Vec<_>>());

    let mut handled = 0;
    let handler = handler_fn(|batch| {
        handled += batch.messages().len();
        async { Ok(()) }
    });
    let ended = stream.read().consumer("c").run_blocking(handler);
    assert_eq!((ended.unwrap(), handled), (Ended::StreamClosed, 100));
}

#[test]
fn a_program_without_a_runtime_needs_none() {
    create_write_tail_and_consume();
}

#[tokio::test]
async fn on_the_thread_of_a_runtime_nothing_panics() {
    create_write_tail_and_consume();
}

#[test]
fn its_background_ends_with_the_client_also_when_that_is_dropped_within_a_runtime() {
    let server = block_on(Server::start(Default::default())).unwrap();
    let stream = {
        let client = background_client(&server.url()).unwrap().build().unwrap();
        client.stream("s")
    };
    stream.create().wait().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async move { drop(stream) });
}

#[test]
fn no_connection_is_an_error_and_no_panic() {
    let gone = block_on(Server::start(Default::default())).unwrap();
    let url = gone.url();
    block_on(gone.shutdown());
    let client = background_client(&url)
        .unwrap()
        .retry(durable_streams_hyper::RetryPolicy::never());
    let error = client
        .build()
        .unwrap()
        .stream("s")
        .head()
        .wait()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
}
