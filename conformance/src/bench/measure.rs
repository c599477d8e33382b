//! Numbers: what was measured, as ratios of the client to the bare stack.

use std::time::Duration;

use serde::Serialize;

/// Whether more or less of it is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// A rate.
    More,
    /// A time, or memory.
    Less,
}

/// One number of the client's, beside the same number of the bare stack's: medians of the rounds.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The scenario.
    pub scenario: &'static str,
    /// Whose HTTP.
    pub transport: &'static str,
    /// What was measured, with its unit.
    pub what: String,
    /// Whether more or less is better.
    pub better: Better,
    /// The client's.
    pub client: f64,
    /// The bare stack's; `None` where it has nothing like it.
    pub bare: Option<f64>,
    /// The client's over the bare stack's: 1 is as good.
    ///
    /// The median of the rounds' ratios, so that what slows down the machine for a while slows down both.
    pub ratio: Option<f64>,
}

/// The medians of two contenders who took turns, and that of the ratios of each turn.
pub(super) fn medians(client: &[f64], bare: &[f64]) -> (f64, Option<f64>, Option<f64>) {
    let ratios = client.iter().zip(bare).map(|(client, bare)| client / bare);
    let median = |mut numbers: Vec<f64>| quantile(&mut numbers, 0.5);
    let if_any = |numbers: Vec<f64>| (!numbers.is_empty()).then(|| median(numbers));
    (
        median(client.to_vec()),
        if_any(bare.to_vec()),
        if_any(ratios.collect()),
    )
}

/// The number that this share of them is not above. There is at least one.
pub(super) fn quantile(numbers: &mut [f64], share: f64) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let last = numbers.len().saturating_sub(1);
    let index = (last as f64 * share).round() as usize;
    numbers.get(index).copied().unwrap_or(f64::NAN)
}

pub(super) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// So many of something in this time, per second.
pub(super) fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_numbers_that_were_measured() {
        let mut numbers: Vec<f64> = (1..=101).map(f64::from).rev().collect();
        assert_eq!(quantile(&mut numbers, 0.5), 51.0);
        assert_eq!(quantile(&mut numbers, 0.99), 100.0);
        assert_eq!(quantile(&mut numbers, 1.0), 101.0);
        assert_eq!(quantile(&mut [7.0], 0.5), 7.0);
    }

    #[test]
    fn rounds_in_which_both_were_slow_count_like_others() {
        let (client, bare) = ([10.0, 1.0, 1.0], [20.0, 20.0, 2.0]);
        assert_eq!(medians(&client, &bare), (1.0, Some(20.0), Some(0.5)));
        assert_eq!(medians(&client, &[]), (1.0, None, None));
    }
}
