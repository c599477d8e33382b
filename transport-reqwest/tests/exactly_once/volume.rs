//! Many messages through a bad hop.

use std::time::Instant;

use bytes::Bytes;
use durable_streams_reqwest::{ErrorKind, Writer};

use crate::hop::{Fault, Plan};
use crate::world::{World, check, seed, within};

const MESSAGES: u64 = 100_000;

async fn write(writer: &Writer, numbers: std::ops::Range<u64>) {
    for n in numbers {
        writer.append_json(&n).await.unwrap();
    }
}

#[tokio::test]
async fn b39_100_000_json_messages_through_a_bad_hop_are_stored_once_and_in_order() {
    within(async {
        let begun = Instant::now();
        let world = World::start("application/json", Plan::new(seed(), 30)).await;
        let writer = world.writer("w").max_batch_messages(40).start();
        write(&writer, 0..MESSAGES).await;
        let end = writer.close_stream().await.unwrap();
        assert_eq!((writer.pending(), writer.epoch()), (0, 0));

        let (messages, _) = world.messages(None).await;
        check(&messages, MESSAGES).unwrap();
        let head = world.stream.head().await.unwrap();
        assert!(head.closed);
        assert_eq!(end, Some(head.next_offset));
        println!("{MESSAGES} messages, {}", world.hop.summary());
        println!("{:?}", begun.elapsed());
        let faults = world.hop.faults();
        assert!(faults.values().sum::<usize>() >= 100);
        for fault in [Fault::AnswerLost, Fault::RequestHeld, Fault::AgainLater] {
            assert!(faults.contains_key(&fault), "{fault:?} never happened");
        }
    })
    .await;
}

/// A record: its length, its number, and some bytes that follow from it.
fn record(n: u64) -> Vec<u8> {
    let filling = (0..n % 23).map(|at| (n + at) as u8);
    let payload: Vec<u8> = n.to_be_bytes().into_iter().chain(filling).collect();
    let length = (payload.len() as u16).to_be_bytes();
    [length.as_slice(), &payload].concat()
}

#[tokio::test]
async fn b39_100_000_records_of_bytes_through_a_bad_hop_are_stored_once_and_in_order() {
    within(async {
        let begun = Instant::now();
        let plan = Plan::new(seed(), 30);
        let world = World::start("application/octet-stream", plan).await;
        let writer = world.writer("w").max_batch_messages(40).start();
        for n in 0..MESSAGES {
            writer.append(Bytes::from(record(n))).await.unwrap();
        }
        writer.flush().await.unwrap();

        let stored = world.bytes().await;
        let mut rest = stored.as_slice();
        for n in 0..MESSAGES {
            let record = record(n);
            let at = stored.len() - rest.len();
            rest = rest
                .strip_prefix(record.as_slice())
                .unwrap_or_else(|| panic!("record {n} is not at {at}"));
        }
        assert!(rest.is_empty(), "{} bytes are too many", rest.len());
        println!("{MESSAGES} records, {}", world.hop.summary());
        println!("{:?}", begun.elapsed());
    })
    .await;
}

#[tokio::test]
async fn b40_a_hop_that_is_down_and_heals_costs_nothing_but_time() {
    within(async {
        let plan = Plan {
            heals_after: 40,
            long_waits: 1,
            ..Plan::new(seed(), 100)
        };
        let world = World::start("application/json", plan).await;
        let writer = world.writer("w").max_batch_messages(7).start();
        write(&writer, 0..2_000).await;
        writer.flush().await.unwrap();
        check(&world.messages(None).await.0, 2_000).unwrap();
        println!("{}", world.hop.summary());
    })
    .await;
}

/// What the other tests compare finds what goes wrong without the producer's numbers.
#[tokio::test]
async fn without_numbers_the_same_hop_makes_a_mess_and_it_is_seen() {
    within(async {
        let plan = Plan {
            forgets_producers: true,
            ..Plan::new(seed(), 40)
        };
        let world = World::start("application/json", plan).await;
        let writer = world.writer("w").max_batch_messages(10).start();
        write(&writer, 0..2_000).await;
        let flushed = writer.flush().await;
        assert!(flushed.is_ok(), "{flushed:?}");
        let wrong = check(&world.messages(None).await.0, 2_000).unwrap_err();
        println!("{wrong}; {}", world.hop.summary());
    })
    .await;
}

#[tokio::test]
async fn b47_a_stream_is_closed_once_however_often_its_close_is_lost() {
    let seed = seed();
    within(async {
        for round in 0..15 {
            let plan = Plan {
                heals_after: 10,
                long_waits: 0,
                ..Plan::new(seed.wrapping_add(round), 80)
            };
            let world = World::start("application/json", plan).await;
            let writer = world.writer("w").max_batch_messages(40).start();
            write(&writer, 0..round % 3).await;
            let end = writer.close_stream().await.unwrap();
            assert_eq!(writer.close_stream().await.unwrap(), end);
            let head = world.stream.head().await.unwrap();
            assert!(head.closed);
            assert_eq!(end, Some(head.next_offset));
            check(&world.messages(None).await.0, round % 3).unwrap();

            let late = world.writer("late").start();
            late.append_json(&0).await.unwrap();
            let error = late.flush().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::StreamClosed);
            assert_eq!(late.take_unsent().len(), 1);
        }
    })
    .await;
}
