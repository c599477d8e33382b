//! The changes of a database, published once and applied once, whoever dies in between.
//!
//! A trigger of the source writes each change to an outbox, in the transaction of the change. The publisher appends each entry under its
//! own number as `Stream-Seq`: an entry that it does not know to be stored is appended again, and refused if it is. The replica applies
//! a batch and its checkpoint in one transaction: what was applied is never applied again.

use durable_streams_examples::{connect, fresh};
use durable_streams_reqwest::{
    Batch, BoxError, Checkpoint, Decision, DurableStream, Ended, Error, ErrorKind, Handler,
    RetryPolicy,
};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Change {
    account: String,
    /// How much was added to its balance: applied twice it would show.
    delta: i64,
}

/// The source: accounts, and what is still to be published of their changes.
fn source() -> rusqlite::Result<Connection> {
    let db = Connection::open_in_memory()?;
    db.execute_batch(
        "CREATE TABLE accounts (name TEXT PRIMARY KEY, balance INTEGER NOT NULL);
         CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, change TEXT NOT NULL);
         CREATE TRIGGER opened AFTER INSERT ON accounts BEGIN
             INSERT INTO outbox (change) VALUES (json_object('account', new.name, 'delta', new.balance));
         END;
         CREATE TRIGGER moved AFTER UPDATE ON accounts BEGIN
             INSERT INTO outbox (change)
             VALUES (json_object('account', new.name, 'delta', new.balance - old.balance));
         END;",
    )?;
    Ok(db)
}

/// Publishes the outbox in its order. `crashes` says after which of its entries it dies, between the append and the note of it.
async fn publish(
    db: &Connection,
    feed: &DurableStream,
    crashes: Option<usize>,
) -> Result<(), BoxError> {
    let mut count = 0;
    loop {
        let next = "SELECT id, change FROM outbox ORDER BY id LIMIT 1";
        let entry: Option<(i64, String)> = db
            .query_row(next, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((id, change)) = entry else {
            return Ok(());
        };
        match feed.append_raw_json(change).seq(format!("{id:020}")).await {
            Ok(_) => {}
            // It was stored before, by a publisher that did not live to note it.
            Err(error) if error.kind() == ErrorKind::SequenceConflict => {
                println!("publisher  had appended entry {id}")
            }
            Err(error) => return Err(error.into()),
        }
        count += 1;
        if crashes == Some(count) {
            println!("publisher  dies behind entry {id}");
            return Ok(());
        }
        db.execute("DELETE FROM outbox WHERE id = ?1", [id])?;
    }
}

/// A copy of the accounts, made from the feed alone.
struct Replica {
    db: Connection,
    /// What the database said last about where it is: who finds it elsewhere is not alone with it.
    at: Option<String>,
    /// How many more batches are applied before it dies.
    lives_for: usize,
}

impl Replica {
    fn open(path: &std::path::Path, lives_for: usize) -> rusqlite::Result<Self> {
        let db = Connection::open(path)?;
        db.execute_batch(
            "CREATE TABLE IF NOT EXISTS accounts (name TEXT PRIMARY KEY, balance INTEGER NOT NULL);
             CREATE TABLE IF NOT EXISTS checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), at TEXT NOT NULL);",
        )?;
        let at = db
            .query_row("SELECT at FROM checkpoint", [], |row| row.get(0))
            .optional()?;
        Ok(Self { db, at, lives_for })
    }

    fn checkpoint(&self) -> Result<Option<Checkpoint>, BoxError> {
        Ok(self.at.as_deref().map(str::parse).transpose()?)
    }

    fn apply(&mut self, batch: &Batch) -> Result<(), BoxError> {
        let behind = batch.checkpoint().to_string();
        let tx = self.db.transaction()?;
        let at: Option<String> = tx
            .query_row("SELECT at FROM checkpoint", [], |row| row.get(0))
            .optional()?;
        if at.as_ref() == Some(&behind) {
            // The transaction of an earlier attempt was stored, and only its answer was an error.
            self.at = at;
            return Ok(());
        }
        if at != self.at {
            return Err("another replica writes to this database".into());
        }
        for change in batch.json::<Change>() {
            let change = change?;
            tx.execute(
                "INSERT INTO accounts VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET balance = balance + ?2",
                params![change.account, change.delta],
            )?;
        }
        tx.execute(
            "INSERT OR REPLACE INTO checkpoint VALUES (1, ?1)",
            [&behind],
        )?;
        tx.commit()?;
        self.at = Some(behind);
        Ok(())
    }
}

impl Handler for Replica {
    async fn handle(&mut self, batch: &Batch) -> Result<(), BoxError> {
        // SQLite answers within microseconds; a database elsewhere would be awaited here.
        self.apply(batch)?;
        self.lives_for -= 1;
        if self.lives_for == 0 {
            return Err("killed behind its commit".into());
        }
        Ok(())
    }

    async fn failed(&mut self, error: &Error, _: Option<&Batch>) -> Decision {
        if self.lives_for == 0 {
            Decision::Stop
        } else {
            Decision::default_for(error)
        }
    }
}

/// Applies the feed to its tail, starting the replica again whenever it dies.
async fn replicate(feed: &DurableStream, path: &std::path::Path) -> Result<u32, BoxError> {
    let mut deaths = 0;
    loop {
        // One batch of a few changes, and it dies; but the tail is reached in the end.
        let replica = Replica::open(path, 2)?;
        let from = replica.checkpoint()?;
        let read = feed.read().from(from).max_batch_bytes(64);
        match read
            .consumer("replica")
            .retry(RetryPolicy::never())
            .run(replica)
            .await
        {
            Ok(Ended::UpToDate | Ended::StreamClosed) => return Ok(deaths),
            Ok(_) => return Err("nobody stopped it".into()),
            Err(error) if error.kind() == ErrorKind::Handler => deaths += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

fn balances(db: &Connection) -> rusqlite::Result<Vec<(String, i64)>> {
    let mut query = db.prepare("SELECT name, balance FROM accounts ORDER BY name")?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let (client, _server) = connect().await?;
    let feed = client.stream(&fresh("changes"));
    feed.create().content_type("application/json").await?;

    let source = source()?;
    for (name, balance) in [("ada", 100), ("bob", 50), ("cy", 0)] {
        source.execute(
            "INSERT INTO accounts VALUES (?1, ?2)",
            params![name, balance],
        )?;
    }
    publish(&source, &feed, Some(2)).await?;
    for n in 0..40 {
        let (from, to) = [("ada", "bob"), ("bob", "cy"), ("cy", "ada")][n % 3];
        source.execute(
            "UPDATE accounts SET balance = balance - ?1 WHERE name = ?2",
            params![n as i64, from],
        )?;
        source.execute(
            "UPDATE accounts SET balance = balance + ?1 WHERE name = ?2",
            params![n as i64, to],
        )?;
    }
    publish(&source, &feed, Some(7)).await?;
    publish(&source, &feed, None).await?;

    let path = std::env::temp_dir().join(fresh("replica") + ".sqlite");
    let deaths = replicate(&feed, &path).await?;
    println!("replica    died {deaths} times on its way to the tail");
    let (ours, theirs) = (balances(&source)?, balances(&Connection::open(&path)?)?);
    std::fs::remove_file(&path)?;
    println!("source     {ours:?}");
    println!("replica    {theirs:?}");
    if ours != theirs {
        return Err("the replica is not what its source is".into());
    }
    println!("the same   each change was applied once");
    feed.delete().await?;
    Ok(())
}
