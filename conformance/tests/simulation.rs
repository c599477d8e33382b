//! The simulation: many runs hold, the same seed is the same run, and what is broken is found.

use std::time::SystemTime;

use durable_streams_conformance::simulation::{Broken, Outcome, Scenario, Simulation, Tape};

/// How many runs a fault may stay hidden in.
const SEEDS: u64 = 2000;

fn hold(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let outcome = Simulation::new(seed).run();
        assert_holds(seed, &outcome);
    }
}

fn assert_holds(seed: u64, outcome: &Outcome) {
    let scenario = outcome.scenario.name();
    assert_eq!(
        outcome.violation, None,
        "seed {seed} ({scenario}); again: \
         durable-streams-conformance simulate --runs 1 --seed {seed} --trace"
    );
}

#[test]
fn a_fixed_sweep_holds() {
    hold(1..2001);
}

#[test]
fn a_fresh_sweep_holds() {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let first = since.map_or(0, |since| u64::from(since.subsec_nanos()) << 16);
    println!("seeds from {first}");
    hold(first..first + 500);
}

#[test]
fn every_scenario_holds() {
    for scenario in Scenario::ALL {
        assert_eq!(Scenario::named(scenario.name()), Some(scenario));
        for seed in 0..50 {
            let outcome = Simulation::new(seed).scenario(scenario).run();
            assert_eq!(outcome.scenario, scenario);
            assert_holds(seed, &outcome);
        }
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..100 {
        let first = Simulation::new(seed).run();
        let again = Simulation::new(seed).trace(true).run();
        assert_eq!(first.hash, again.hash, "seed {seed}");
        assert_eq!(first.events, again.events);
        assert!(first.trace.is_empty() && !again.trace.is_empty());
        assert_ne!(first.hash, Simulation::new(seed + 1).run().hash);
    }
}

#[test]
fn any_bytes_are_a_run() {
    let bytes: Vec<u8> = (0..4000_u32).map(|n| ((n * n) >> 3) as u8).collect();
    for length in [0, 1, 10, 100, 1000, 4000] {
        let run = || Simulation::with_tape(Tape::from_bytes(&bytes[..length])).run();
        let outcome = run();
        assert_eq!(outcome.violation, None, "{length} bytes");
        assert_eq!(outcome.hash, run().hash);
    }
}

/// What is wrong with workers, and what is then found.
const OF_WORKERS: [(Broken, &str); 8] = [
    (Broken::AckedWhenHandedOut, "is handled"),
    (Broken::NeverRenews, "holds wake"),
    (Broken::OverstaysItsLease, "and the lease is"),
    (Broken::DeafToOtherHolders, "which it is not"),
    (Broken::WorkedOnAfterLoss, "it goes on with wake"),
    (Broken::SpeaksForOldWakes, "it speaks for wake"),
    (Broken::ReadsWhatIsAcknowledged, "it hands out again from"),
    (Broken::DeafToWakes, "it does not come to its end"),
];

/// The first seed whose run finds the fault. What is about claims is looked for where there are some.
fn found(broken: Broken) -> Option<(u64, String)> {
    let claims = [
        Broken::ParallelClaim,
        Broken::ResentAfterClaim,
        Broken::DeafToFences,
    ];
    let scenario = claims.contains(&broken).then_some(Scenario::Takeover);
    (0..SEEDS).find_map(|seed| {
        let outcome = Simulation::new(seed)
            .scenario(scenario)
            .broken(broken)
            .run();
        Some((seed, outcome.violation?))
    })
}

#[test]
fn what_is_broken_is_found() {
    let mut hidden = Vec::new();
    let of_workers = |broken| OF_WORKERS.iter().any(|(of, _)| *of == broken);
    for broken in Broken::ALL
        .into_iter()
        .filter(|broken| !of_workers(*broken))
    {
        match found(broken) {
            Some((seed, why)) => println!("{broken:?}: seed {seed}: {why}"),
            None => hidden.push(broken),
        }
    }
    assert!(hidden.is_empty(), "not found: {hidden:?}");
}

/// Each invariant of workers can be broken by itself.
#[test]
fn what_is_wrong_with_workers_is_found_by_the_check_for_it() {
    for (broken, what) in OF_WORKERS {
        let found = (0..SEEDS).find(|seed| {
            let simulation = Simulation::new(*seed).scenario(Scenario::Workers);
            let outcome = simulation.broken(broken).run();
            outcome.violation.is_some_and(|why| why.contains(what))
        });
        println!("{broken:?}: seed {found:?}");
        assert!(found.is_some(), "{broken:?} is not found by {what:?}");
    }
}
