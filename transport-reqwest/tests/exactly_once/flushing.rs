//! What a flush, and a receipt, promise about the log.

use crate::hop::Plan;
use crate::world::{World, check, seed, within};

#[tokio::test]
async fn b46_when_a_flush_returns_everything_before_it_is_in_the_log() {
    within(async {
        let seed = seed();
        let mut rng = fastrand::Rng::with_seed(seed);
        let world = World::start("application/json", Plan::new(seed, 30)).await;
        let writer = world.writer("w").max_batch_messages(20).start();
        let (mut log, mut from, mut written) = (Vec::new(), None, 0);
        for _ in 0..25 {
            for _ in 0..rng.u64(0..400) {
                writer.append_json(&written).await.unwrap();
                written += 1;
            }
            // A flush that was given up before changes nothing.
            let given_up = writer.flush();
            tokio::select! { biased; _ = given_up => {}, () = tokio::task::yield_now() => {} }
            let before = written;
            let flush = writer.flush();
            let more = async {
                for n in before..before + 50 {
                    writer.append_json(&n).await.unwrap();
                }
            };
            let (end, ()) = tokio::join!(flush, more);
            written += 50;
            let (new, checkpoint) = world.messages(from).await;
            log.extend(new);
            from = Some(checkpoint);
            check(&log, log.len() as u64).unwrap();
            assert!(log.len() as u64 >= before, "{} of {before}", log.len());
            assert!(end.unwrap().next_offset.is_some());
        }
        writer.flush().await.unwrap();
        log.extend(world.messages(from).await.0);
        check(&log, written).unwrap();
        println!("{written} messages, {}", world.hop.summary());
    })
    .await;
}

#[tokio::test]
async fn b53_when_a_receipt_says_stored_the_message_is_in_the_log_before_its_offset() {
    within(async {
        let world = World::start("application/json", Plan::new(seed(), 30)).await;
        let writer = world.writer("w").max_batch_messages(3).start();
        let mut receipts = Vec::new();
        for n in 0..300_u64 {
            receipts.push(writer.append_json_with_receipt(&n).await.unwrap());
        }
        let (mut highest, mut duplicates, mut unnamed) = (None, 0, 0);
        for (n, receipt) in receipts.into_iter().enumerate() {
            let stored = receipt.await.unwrap();
            duplicates += usize::from(stored.duplicate);
            // Of a duplicate a server may not say where.
            assert!(stored.duplicate || stored.next_offset.is_some());
            unnamed += usize::from(stored.next_offset.is_none());
            highest = highest.max(stored.next_offset);
            if n % 30 == 0 {
                let (log, _) = world.messages(None).await;
                assert!(log.contains(&(n as u64)), "{n}");
            }
        }
        let tail = Some(world.stream.head().await.unwrap().next_offset);
        assert!(highest == tail || unnamed > 0 && highest < tail);
        check(&world.messages(None).await.0, 300).unwrap();
        assert!(
            duplicates > 0,
            "an answer was lost, and the batch sent again"
        );
        println!("{duplicates} duplicates, {}", world.hop.summary());
    })
    .await;
}
