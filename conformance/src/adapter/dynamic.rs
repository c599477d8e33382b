//! Headers and parameters whose values are made anew for each command.

use std::collections::BTreeMap;
use std::time::SystemTime;

use durable_streams_client::{DurableStream, Error, Extras};
use serde::Serialize;

use super::command::{Headers, SetDynamic, ValueType};

/// What was set, by name.
#[derive(Debug, Default)]
pub(crate) struct Dynamic {
    headers: BTreeMap<String, Source>,
    params: BTreeMap<String, Source>,
}

/// Where a value comes from.
#[derive(Debug)]
enum Source {
    /// The last value that was given.
    Counter(u64),
    /// The time, in milliseconds since 1970.
    Timestamp,
    Token(String),
}

impl Source {
    fn new(value_type: ValueType, initial: Option<String>) -> Self {
        match value_type {
            ValueType::Counter => Self::Counter(0),
            ValueType::Timestamp => Self::Timestamp,
            ValueType::Token => Self::Token(initial.unwrap_or_default()),
        }
    }

    fn next(&mut self) -> String {
        match self {
            Self::Counter(count) => {
                *count += 1;
                count.to_string()
            }
            Self::Timestamp => {
                let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                since.unwrap_or_default().as_millis().to_string()
            }
            Self::Token(token) => token.clone(),
        }
    }
}

impl Dynamic {
    /// # Errors
    /// When no header can have that name or token: better now than with every command from here on.
    pub(crate) fn set_header(&mut self, set: SetDynamic) -> Result<(), Error> {
        Extras::new().set_header(&set.name, set.initial_value.as_deref().unwrap_or_default())?;
        let source = Source::new(set.value_type, set.initial_value);
        self.headers.insert(set.name, source);
        Ok(())
    }

    /// # Errors
    /// As [`set_header`](Self::set_header), of parameters.
    pub(crate) fn set_param(&mut self, set: SetDynamic) -> Result<(), Error> {
        Extras::new().set_param(&set.name, "")?;
        let source = Source::new(set.value_type, set.initial_value);
        self.params.insert(set.name, source);
        Ok(())
    }

    /// The values of the next command, which all of its requests carry. Its own headers replace those of the same name.
    pub(crate) fn next(&mut self, own: &Headers) -> Sent {
        let headers = self.headers.iter_mut().map(|(name, source)| {
            let value = source.next();
            let mut own = own.iter();
            let replaced = own.find(|(other, _)| other.eq_ignore_ascii_case(name));
            (name.clone(), replaced.map_or(value, |(_, own)| own.clone()))
        });
        let params = self.params.iter_mut();
        Sent {
            headers_sent: headers.collect(),
            params_sent: params
                .map(|(name, source)| (name.clone(), source.next()))
                .collect(),
        }
    }
}

/// The values that went with a command.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sent {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers_sent: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    params_sent: BTreeMap<String, String>,
}

impl Sent {
    /// The same stream, with these for every request about it.
    pub(crate) fn with(&self, stream: DurableStream) -> DurableStream {
        let stream = with_headers(stream, &self.headers_sent);
        self.params_sent
            .iter()
            .fold(stream, |stream, (name, value)| {
                stream.with_param(name, value)
            })
    }
}

/// The same stream, with these headers for every request about it.
pub(crate) fn with_headers(stream: DurableStream, headers: &Headers) -> DurableStream {
    headers.iter().fold(stream, |stream, (name, value)| {
        stream.with_header(name, value)
    })
}
