//! The runtimes that a transport works in.

use durable_streams_conformance::embedded::Server;
use durable_streams_conformance::script::{Reply, ScriptServer};
use durable_streams_hyper::{Error, client};
use tokio::runtime::Builder;

use super::support::{complete, post, send, transport};

/// Creates a stream, writes by a spawned writer, and reads.
async fn create_write_read() -> Result<(), Error> {
    let server = Server::start(Default::default()).await.unwrap();
    let client = client(&format!("{}/v1/stream", server.url()))?.build()?;
    let stream = client.stream("a");
    stream.create().content_type("text/plain").await?;
    stream.append("one").await?;
    let writer = stream.writer("w").start();
    writer.append("two").await?;
    writer.flush().await?;
    let mut reader = stream.read().start();
    let mut read = Vec::new();
    while let Some(batch) = reader.next().await? {
        read.extend_from_slice(&batch.bytes());
    }
    assert_eq!(read, b"onetwo");
    Ok(())
}

#[tokio::test(flavor = "current_thread")]
async fn the_whole_client_works_on_one_thread() {
    create_write_read().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_client_works_on_many_threads() {
    create_write_read().await.unwrap();
}

/// It is made outside of any, and outlives the runtimes that its connections were made in.
#[test]
fn a_transport_belongs_to_no_runtime() {
    let transport = transport();
    let home = Builder::new_multi_thread().enable_all().build().unwrap();
    let server = home.block_on(ScriptServer::start()).unwrap();
    server.answer_with(|_, number| Reply::new(200).body(number.to_string()));
    let mut number = 0;
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let runtime = builder.enable_all().build().unwrap();
        runtime.block_on(async {
            for _ in 0..2 {
                let answer = send(&transport, post(&server.url("/"))).await;
                assert_eq!(complete(answer.unwrap()).await, number.to_string());
                number += 1;
            }
        });
    }
}
