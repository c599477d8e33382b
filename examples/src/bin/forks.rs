//! A conversation that is tried another way: forks share what was said up to them, and go on by themselves.

use durable_streams_examples::{connect, fresh};
use durable_streams_reqwest::{BoxError, DurableStream};

async fn said(conversation: &DurableStream) -> Result<Vec<String>, BoxError> {
    let mut said = Vec::new();
    let mut reader = conversation.read().start();
    while let Some(batch) = reader.next().await? {
        for message in batch.json() {
            said.push(message?);
        }
    }
    Ok(said)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (client, _server) = connect().await?;
    let name = fresh("talk");
    let talk = client.stream(&name);
    talk.create().content_type("application/json").await?;
    let asked = talk.append_json("Name a fruit.").await?;
    talk.append_json_batch(["An apple.", "Another?", "A pear."])
        .await?;

    // From here on: at the tail, right behind the question, and one message past it.
    let forks = ["tail", "question", "answer"].map(|fork| client.stream(&format!("{name}-{fork}")));
    forks[0].fork_from(&talk).await?;
    forks[1]
        .fork_from(&talk)
        .at(asked.next_offset.clone())
        .await?;
    forks[2]
        .fork_from(&talk)
        .at(asked.next_offset)
        .plus(1)
        .await?;
    for (fork, line) in forks.iter().zip(["A third?", "A quince.", "Why that one?"]) {
        // A fork has the content type of its source.
        fork.head().await?;
        fork.append_json(line).await?;
        println!(
            "{:28} {:?}",
            fork.url()?
                .to_string()
                .rsplit('/')
                .next()
                .unwrap_or_default(),
            said(fork).await?
        );
    }

    let expected = [
        vec![
            "Name a fruit.",
            "An apple.",
            "Another?",
            "A pear.",
            "A third?",
        ],
        vec!["Name a fruit.", "A quince."],
        vec!["Name a fruit.", "An apple.", "Why that one?"],
    ];
    // The source goes; what forks have of it stays with them.
    talk.delete().await?;
    for (fork, expected) in forks.iter().zip(expected) {
        if said(fork).await? != expected {
            return Err("a fork is not what was said up to it and in it".into());
        }
        fork.delete().await?;
    }
    println!("done       each fork has its own end");
    Ok(())
}
