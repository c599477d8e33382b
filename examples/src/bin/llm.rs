//! A model's answer, token by token, that survives the death of who writes it and of who reads it.
//!
//! The stream is the only state. A generator that is started in place of a dead one first fences it, with a message under the next epoch: from
//! there on nothing of the dead one is taken. What is before that message is the answer so far, and it goes on behind it. A reader that
//! was cut off goes on from its checkpoint.

use std::time::Duration;

use durable_streams_examples::{connect, fresh};
use durable_streams_reqwest::{BoxError, Checkpoint, DurableStream, Live};
use serde::{Deserialize, Serialize};

const ANSWER: &str = "A stream is a file that has not ended yet. You may stop reading it, and so may the one who writes it: \
    neither forgets where they were.";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Message {
    Token(String),
    /// A generator took over.
    Resumed,
}

/// Whoever computes the tokens: given how many there are, the next.
async fn next_token(so_far: usize) -> Option<&'static str> {
    tokio::time::sleep(Duration::from_millis(2)).await;
    ANSWER.split_inclusive(' ').nth(so_far)
}

/// Writes the rest of the answer. `lives_for` is how many tokens this process survives.
async fn generate(answer: DurableStream, lives_for: usize) -> Result<(), BoxError> {
    let writer = answer
        .writer("generator")
        .auto_claim(true)
        .linger(Duration::ZERO)
        .start();
    let took_over = writer
        .append_json_with_receipt(&Message::Resumed)
        .await?
        .await?;

    let mut tokens = 0;
    let mut reader = answer.read().start();
    while let Some(batch) = reader.next().await? {
        let messages = batch.json().collect::<Result<Vec<Message>, _>>()?;
        tokens += messages
            .iter()
            .filter(|message| matches!(message, Message::Token(_)))
            .count();
    }
    println!(
        "generator  epoch {} takes over behind {tokens} tokens, at {:?}",
        writer.epoch(),
        took_over.next_offset
    );

    for _ in 0..lives_for {
        let Some(token) = next_token(tokens).await else {
            writer.close_stream().await?;
            return Ok(());
        };
        writer
            .append_json(&Message::Token(token.to_owned()))
            .await?;
        tokens += 1;
    }
    // As if the process had been killed: nobody flushes, and what is under way may be stored or not.
    println!("generator  dies");
    Ok(())
}

/// Reads the answer as a page would, which is closed and opened again every few batches.
async fn read(answer: DurableStream) -> Result<String, BoxError> {
    let mut text = String::new();
    let mut saved = String::new();
    loop {
        let checkpoint = if saved.is_empty() {
            None
        } else {
            Some(saved.parse::<Checkpoint>()?)
        };
        let mut reader = answer.read().from(checkpoint).live(Live::Sse).start();
        for _ in 0..5 {
            let Some(batch) = reader.next().await? else {
                return Ok(text);
            };
            for message in batch.json() {
                if let Message::Token(token) = message? {
                    text.push_str(&token);
                }
            }
            saved = batch.checkpoint().to_string();
        }
        println!(
            "reader     leaves at {saved}, with {:?}",
            text.split(' ').next_back().unwrap_or_default()
        );
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (client, _server) = connect().await?;
    let answer = client.stream(&fresh("answer"));
    answer.create().content_type("application/json").await?;

    let reader = tokio::spawn(read(answer.clone()));
    for lives_for in [7, 5, usize::MAX] {
        tokio::spawn(generate(answer.clone(), lives_for)).await??;
    }
    let text = reader.await??;
    println!("answer     {text}");
    if text != ANSWER {
        return Err("a token was lost or repeated".into());
    }
    println!("complete   each token once");
    Ok(())
}
