//! Competing consumers that die all the time: nothing is lost, and only what was at hand is done twice.
//!
//! Events are written to many streams. Processes work on them, each a copy of this program; every now and then one is killed where it
//! stands, and replaced. At the end every event was handled. Some were handled again: those that a process had handled when it died, and
//! had not acknowledged.
//!
//! A subscription gives all of its streams to one worker at a time. For processes to work beside each other the streams are divided among
//! several subscriptions, by a part of their paths, and every process has a worker for each of them: whichever is free takes a division,
//! and when it dies another one takes over, as soon as the lease has run out.
//!
//! With options it is larger or smaller, and with the root of streams on another server it runs against that one: see `--help`.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use clap::Parser;
use durable_streams_conformance::embedded::Server;
use durable_streams_examples::fresh;
use durable_streams_reqwest::{BoxError, Client, Offset, Work, WorkHandler, client};
use futures_util::future::{select_all, try_join_all};
use futures_util::stream::{self, StreamExt};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time;

/// How much there is to do, for whom, and how dangerously they live.
#[derive(Debug, Clone, Parser)]
struct Options {
    /// How many processes work.
    #[arg(long, default_value_t = 4)]
    processes: usize,

    /// How many subscriptions the streams are divided among.
    #[arg(long, default_value_t = 4)]
    divisions: usize,

    /// How many streams there are.
    #[arg(long, default_value_t = 100)]
    streams: usize,

    /// How many events are written to them, in all.
    #[arg(long, default_value_t = 10_000)]
    events: usize,

    /// How long that takes, in seconds. Meanwhile processes are killed.
    #[arg(long, default_value_t = 30.0)]
    seconds: f64,

    /// How often one is killed, in seconds.
    #[arg(long, default_value_t = 1.0)]
    every: f64,

    /// The lease, in milliseconds; a server takes no shorter one than the default.
    #[arg(long, default_value_t = 1000)]
    lease: u64,

    /// The root of streams on a server. Default: a server of its own.
    root: Option<String>,

    /// Work for the subscriptions of this name, as a process of this one.
    #[arg(long, hide = true)]
    works_for: Option<String>,
}

impl Options {
    fn stream(&self, pool: &str, number: usize) -> String {
        format!("{pool}/{}/{}", number % self.divisions, number)
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let options = Options::parse();
    if let (Some(pool), Some(root)) = (&options.works_for, &options.root) {
        return work(&options, pool, root).await;
    }
    let (root, _server) = match &options.root {
        Some(root) => (root.clone(), None),
        None => {
            let server = Server::start(Default::default()).await?;
            (format!("{}/v1/stream", server.url()), Some(server))
        }
    };
    println!("server     {root}");
    run(&options, &client(&root)?.build()?, &root).await
}

// What a process does.

/// Notes what it does where its parent reads it.
#[derive(Default)]
struct Diary {
    /// What was handled of each stream and is not acknowledged.
    open: Mutex<HashMap<String, Vec<Handled>>>,
}

/// Numbers that were handled, and the position behind them.
type Handled = (Position, Vec<usize>);

/// A place in a stream: an offset, and whether it lies behind it.
type Position = (Option<Offset>, bool);

impl WorkHandler for Diary {
    async fn handle(&self, work: &Work) -> Result<(), BoxError> {
        let numbers = work.batch.json().collect::<Result<Vec<usize>, _>>()?;
        // What is in the pipe stays there, whatever becomes of this process.
        say("handled", &numbers)?;
        let at = work.batch.checkpoint();
        let position = (at.offset().cloned(), at.delivered() > 0);
        let mut open = self.open.lock().map_err(|_| "poisoned")?;
        let of_stream = open.entry(work.stream.clone()).or_default();
        of_stream.push((position, numbers));
        Ok(())
    }

    fn acknowledged(&self, stream: &str, up_to: &Offset) {
        let Ok(mut open) = self.open.lock() else {
            return;
        };
        let Some(of_stream) = open.get_mut(stream) else {
            return;
        };
        let up_to = (Some(up_to.clone()), false);
        let mut done = Vec::new();
        of_stream.retain(|(position, numbers)| {
            let open = *position > up_to;
            if !open {
                done.extend(numbers);
            }
            open
        });
        // A parent that is gone is told nothing.
        let _ = say("acknowledged", &done);
    }
}

fn say(what: &str, numbers: &[usize]) -> std::io::Result<()> {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    writeln!(std::io::stdout(), "{what} {}", numbers.join(" "))
}

/// Works for every division, until the parent is gone.
async fn work(options: &Options, pool: &str, root: &str) -> Result<(), BoxError> {
    let client = client(root)?.build()?;
    let name = std::process::id().to_string();
    let workers: Vec<_> = (0..options.divisions)
        .map(|division| {
            let subscription = client.subscription(format!("{pool}-{division}"));
            subscription.worker(&name).start(Diary::default())
        })
        .collect();
    let failed = select_all(workers.iter().map(|worker| Box::pin(worker.finished())));
    let mut stdin = tokio::io::stdin();
    let mut nothing = Vec::new();
    tokio::select! {
        (ended, _, _) = failed => Ok(ended?),
        _ = stdin.read_to_end(&mut nothing) => Ok(()),
    }
}

// What their parent does.

/// What a process said, or that it is gone.
enum Said {
    Handled(Vec<usize>),
    Acknowledged(Vec<usize>),
    Gone,
}

/// What is heard of processes, by their ids.
type Hearing = mpsc::UnboundedSender<(u32, Said)>;

fn spawn(options: &Options, pool: &str, root: &str, said: &Hearing) -> Result<Child, BoxError> {
    let mut child = Command::new(std::env::current_exe()?)
        .args([root, "--works-for", pool])
        .args(["--divisions", &options.divisions.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child.stdout.take().ok_or("a process without an output")?;
    let id = child.id().unwrap_or_default();
    let said = said.clone();
    tokio::spawn(async move {
        let mut lines = BufReader::new(stdout).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let mut words = line.split(' ');
            let what = words.next();
            let numbers = words.filter_map(|word| word.parse().ok()).collect();
            let line = match what {
                Some("handled") => Said::Handled(numbers),
                _ => Said::Acknowledged(numbers),
            };
            let _ = said.send((id, line));
        }
        let _ = said.send((id, Said::Gone));
    });
    Ok(child)
}

/// What became of every event.
#[derive(Debug, Clone, Copy, Default)]
struct Record {
    handled: usize,
    acknowledged: bool,
    /// How often it was handled when it was acknowledged already, which is not to happen.
    for_nothing: usize,
}

/// Waits until the subscriptions say that nothing is left to do.
async fn everything_acknowledged(
    options: &Options,
    client: &Client,
    pool: &str,
) -> Result<(), BoxError> {
    for division in 0..options.divisions {
        let subscription = client.subscription(format!("{pool}-{division}"));
        loop {
            let mut done = true;
            for stream in subscription.read().await?.streams {
                let tail = client.stream(&stream.path).head().await?.next_offset;
                done &= stream.acked.is_some_and(|acked| acked >= tail);
            }
            if done {
                break;
            }
            time::sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(())
}

async fn run(options: &Options, client: &Client, root: &str) -> Result<(), BoxError> {
    let pool = fresh("pool");
    let names = (0..options.streams).map(|number| options.stream(&pool, number));
    let streams: Vec<_> = names
        .map(|name| client.stream(&name).with_content_type("application/json"))
        .collect();
    for division in 0..options.divisions {
        let wakes = format!("{pool}/wakes/{division}");
        let stream = client.stream(&wakes);
        stream.create().content_type("application/json").await?;
        let subscription = client.subscription(format!("{pool}-{division}"));
        subscription
            .create_pull_wake(wakes)
            .pattern(format!("{pool}/{division}/*"))
            .lease(Duration::from_millis(options.lease))
            .await?;
    }
    for some in streams.chunks(20) {
        try_join_all(some.iter().map(|stream| {
            stream
                .create()
                .content_type("application/json")
                .into_future()
        }))
        .await?;
    }
    println!(
        "pool       {} processes, {} streams in {} divisions, {} events in {} s",
        options.processes, options.streams, options.divisions, options.events, options.seconds
    );

    let (said, mut heard) = mpsc::unbounded_channel();
    let mut children = Vec::new();
    for _ in 0..options.processes {
        children.push(spawn(options, &pool, root, &said)?);
    }
    let began = Instant::now();
    let append = |number: usize| {
        let stream = &streams[number % streams.len()];
        async move {
            let at = options.seconds * number as f64 / options.events as f64;
            time::sleep_until((began + Duration::from_secs_f64(at)).into()).await;
            stream.append_json(&number).await
        }
    };
    let writing = async {
        let appends = stream::iter((0..options.events).map(append));
        let mut appends = appends.buffer_unordered(16);
        while let Some(appended) = appends.next().await {
            appended?;
        }
        println!(
            "written    all events, in {:.1} s",
            began.elapsed().as_secs_f64()
        );
        Ok::<_, BoxError>(())
    };
    let killing = async {
        let mut killed = 0;
        let mut kills = time::interval(Duration::from_secs_f64(options.every));
        kills.tick().await;
        while began.elapsed().as_secs_f64() + options.every <= options.seconds {
            kills.tick().await;
            let victim = killed % children.len();
            children[victim].kill().await?;
            children[victim] = spawn(options, &pool, root, &said)?;
            killed += 1;
        }
        Ok::<_, BoxError>(killed)
    };
    let listening = async {
        let mut records = vec![Record::default(); options.events];
        let (mut left, mut at_hand) = (options.events, 0);
        let mut open: HashMap<u32, HashSet<usize>> = HashMap::new();
        while left > 0 {
            let (id, what) = heard.recv().await.ok_or("nobody speaks any more")?;
            let open_there = open.entry(id).or_default();
            match what {
                Said::Handled(numbers) => {
                    for number in numbers {
                        let record = &mut records[number];
                        left -= usize::from(record.handled == 0);
                        record.handled += 1;
                        record.for_nothing += usize::from(record.acknowledged);
                        open_there.insert(number);
                    }
                }
                Said::Acknowledged(numbers) => {
                    for number in numbers {
                        records[number].acknowledged = true;
                        open_there.remove(&number);
                    }
                }
                Said::Gone => at_hand += open_there.len(),
            }
        }
        Ok::<_, BoxError>((records, at_hand))
    };
    let ((), killed, (records, at_hand)) = tokio::try_join!(writing, killing, listening)?;
    everything_acknowledged(options, client, &pool).await?;
    let took = began.elapsed().as_secs_f64();

    let lost = records.iter().filter(|record| record.handled == 0).count();
    let again: usize = records
        .iter()
        .map(|record| record.handled.saturating_sub(1))
        .sum();
    let for_nothing: usize = records.iter().map(|record| record.for_nothing).sum();
    println!("killed     {killed} processes");
    println!(
        "handled    {} of {} events, in {took:.1} s",
        options.events - lost,
        options.events
    );
    println!("at hand    {at_hand} were handled and not acknowledged by a process that was killed");
    println!(
        "again      {again} were handled once more, of them acknowledged before: {for_nothing}"
    );
    if lost > 0 || for_nothing > 0 {
        return Err("events were lost, or handled again after they were acknowledged".into());
    }
    println!("done       none was lost, none came again that was acknowledged");
    Ok(())
}
