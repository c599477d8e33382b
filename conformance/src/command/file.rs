//! Files that a command writes.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// The parts of `FORMAT=FILE`.
pub(super) fn target(text: &str) -> Result<(&str, PathBuf), String> {
    let (format, file) = text
        .split_once('=')
        .ok_or("a report is FORMAT=FILE, as in json=report.json")?;
    Ok((format, PathBuf::from(file)))
}

pub(super) fn write(file: &Path, text: String) -> Result<(), Box<dyn Error>> {
    fs::write(file, text)
        .map_err(|error| format!("cannot write {}: {error}", file.display()).into())
}
