//! What is kept between commands.

use std::collections::HashMap;

use durable_streams_client::{Client, DurableStream};

use super::command::Address;
use super::dynamic::{Dynamic, with_headers};
use super::producers::Producers;

/// Everything since the last `init`.
#[derive(Debug)]
pub(crate) struct Session {
    server: String,
    client: Client,
    /// Handles by path: they remember what the streams' content types are.
    streams: HashMap<String, DurableStream>,
    pub(crate) producers: Producers,
    pub(crate) dynamic: Dynamic,
}

impl Session {
    pub(crate) fn new(server: String, client: Client) -> Self {
        Self {
            server,
            client,
            streams: HashMap::new(),
            producers: Producers::default(),
            dynamic: Dynamic::default(),
        }
    }

    /// A handle that knows nothing of the stream yet.
    pub(crate) fn fresh(&self, path: &str) -> DurableStream {
        self.client.stream(&format!("{}{path}", self.server))
    }

    /// The handle of the stream that a command is about, with the command's headers.
    pub(crate) fn stream(&mut self, address: &Address) -> DurableStream {
        let known = self.streams.get(&address.path).cloned();
        let stream = known.unwrap_or_else(|| {
            let fresh = self.fresh(&address.path);
            self.streams.insert(address.path.clone(), fresh.clone());
            fresh
        });
        with_headers(stream, &address.headers)
    }

    /// From now on this is the handle.
    pub(crate) fn remember(&mut self, path: &str, stream: DurableStream) {
        self.streams.insert(path.to_owned(), stream);
    }
}
