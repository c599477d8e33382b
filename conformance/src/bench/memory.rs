//! How much memory this process has, where the system says so (Linux).

use std::fs;

/// Forgets the peak so far.
pub(super) fn forget_peak() {
    // Where that is not possible there is no peak to be read either.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The most that was resident, in KiB.
pub(super) fn peak() -> Option<f64> {
    status("VmHWM:")
}

/// What is resident, in KiB.
pub(super) fn resident() -> Option<f64> {
    status("VmRSS:")
}

fn status(name: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
