//! Checkpoints in files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use durable_streams_client::{Checkpoint, CheckpointStore, FileCheckpoints, MemoryCheckpoints};
use futures_util::FutureExt;

/// A directory that is gone when this is.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("checkpoints-{}-{count}", std::process::id());
        Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Where the new file of the consumer `c` is written.
fn beside(store: &FileCheckpoints) -> PathBuf {
    store.path("c").with_extension("checkpoint.new")
}

fn at(text: &str) -> Checkpoint {
    text.parse().unwrap()
}

#[tokio::test]
async fn what_was_saved_is_there_for_the_next_process_by_the_consumers_name() {
    let directory = Directory::new();
    let store = FileCheckpoints::new(directory.0.join("deep"));
    for (name, place) in [
        ("a", "1,2,cursor, with comma"),
        ("../b/ä?", "2"),
        (".", "3"),
    ] {
        assert_eq!(store.load(name).await.unwrap(), None, "{name}");
        store.save(name, &at("0")).await.unwrap();
        store.save(name, &at(place)).await.unwrap();
        let next = FileCheckpoints::new(directory.0.join("deep"));
        assert_eq!(next.load(name).await.unwrap(), Some(at(place)), "{name}");
        assert_eq!(store.path(name).parent().unwrap(), directory.0.join("deep"));
    }
    let names = fs::read_dir(directory.0.join("deep")).unwrap();
    assert_eq!(names.count(), 3, "nothing is left beside the files");
}

#[tokio::test]
async fn what_is_no_checkpoint_is_an_error_and_not_the_beginning() {
    let directory = Directory::new();
    let store = FileCheckpoints::new(&directory.0);
    store.save("c", &at("7")).await.unwrap();
    for bad in ["", "\n", "now", "7,x", "7\n8\n"] {
        fs::write(store.path("c"), bad).unwrap();
        let error = store.load("c").await.unwrap_err();
        assert!(
            error.to_string().contains("c.checkpoint"),
            "{bad:?}: {error}"
        );
    }
    // What a crash left beside it is no checkpoint either, and in nobody's way.
    fs::write(store.path("c"), "7\n").unwrap();
    fs::write(beside(&store), "8").unwrap();
    assert_eq!(store.load("c").await.unwrap(), Some(at("7")));
    store.save("c", &at("9")).await.unwrap();
    assert_eq!(store.load("c").await.unwrap(), Some(at("9")));
}

#[tokio::test]
async fn a_save_that_fails_says_so_and_leaves_what_was_there() {
    let directory = Directory::new();
    let store = FileCheckpoints::new(&directory.0);
    store.save("c", &at("7")).await.unwrap();
    // A directory is where the new file is to be.
    fs::create_dir(beside(&store)).unwrap();
    store.save("c", &at("8")).await.unwrap_err();
    assert_eq!(store.load("c").await.unwrap(), Some(at("7")));

    fs::write(directory.0.join("file"), "").unwrap();
    let nowhere = FileCheckpoints::new(directory.0.join("file"));
    nowhere.save("c", &at("8")).await.unwrap_err();
    nowhere.load("c").await.unwrap_err();
}

#[tokio::test]
async fn saves_that_nobody_waits_for_are_made_in_order() {
    let directory = Directory::new();
    let store = FileCheckpoints::new(&directory.0);
    for n in 0..50 {
        // Polled once: it is under way.
        let _ = store.save("c", &at(&n.to_string())).now_or_never();
    }
    assert_eq!(store.load("c").await.unwrap(), Some(at("49")));
}

#[tokio::test]
async fn a_store_in_memory_is_shared_by_its_clones() {
    let store = MemoryCheckpoints::new();
    store.clone().save("c", &at("1")).await.unwrap();
    assert_eq!(store.load("c").await.unwrap(), Some(at("1")));
    assert_eq!(store.load("d").await.unwrap(), None);
}
