//! A model in virtual time, and what its peers have received.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use durable_streams_conformance::reference::{Config, ExchangeId, Model, Output};
use http::{HeaderMap, Method, Request};

pub(crate) const JSON: &str = "application/json";
pub(crate) const TEXT: &str = "text/plain";
pub(crate) const BYTES: &str = "application/octet-stream";

/// 2025-01-01T00:00:00Z.
pub(crate) const START: Duration = Duration::from_secs(1_735_689_600);

/// What a peer has received so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Received {
    pub(crate) status: Option<u16>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) ended: bool,
}

impl Received {
    pub(crate) fn status(&self) -> u16 {
        self.status.expect("no answer yet")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("a header in ASCII"))
    }

    pub(crate) fn next_offset(&self) -> String {
        self.header("stream-next-offset")
            .expect("no Stream-Next-Offset")
            .to_owned()
    }

    pub(crate) fn closed(&self) -> bool {
        self.header("stream-closed") == Some("true")
    }

    pub(crate) fn up_to_date(&self) -> bool {
        self.header("stream-up-to-date") == Some("true")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }

    /// The events of an SSE answer: names and data.
    pub(crate) fn events(&self) -> Vec<(String, String)> {
        super::events::parse(self.text())
    }
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) model: Model,
    pub(crate) now: SystemTime,
    last_id: u64,
    received: BTreeMap<u64, Received>,
}

impl Default for World {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

impl World {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            model: Model::new(config),
            now: SystemTime::UNIX_EPOCH + START,
            last_id: 0,
            received: BTreeMap::new(),
        }
    }

    /// Begins an exchange.
    pub(crate) fn begin(
        &mut self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> u64 {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Bytes::copy_from_slice(body))
            .expect("a good request");
        self.last_id += 1;
        self.received.insert(self.last_id, Received::default());
        self.model.step(ExchangeId(self.last_id), request, self.now);
        self.drain();
        self.last_id
    }

    /// Begins a read that may not end at once.
    pub(crate) fn watch(&mut self, target: &str) -> u64 {
        self.begin(Method::GET, target, &[], b"")
    }

    fn drain(&mut self) {
        while let Some((ExchangeId(id), output)) = self.model.poll_output() {
            let received = self
                .received
                .get_mut(&id)
                .expect("output for an unknown exchange");
            assert!(!received.ended, "output after the end");
            match output {
                Output::Head(head) => {
                    assert_eq!(received.status, None, "two heads");
                    received.status = Some(head.status.as_u16());
                    received.headers = head.headers;
                }
                Output::Chunk(chunk) => {
                    assert!(received.status.is_some() && !chunk.is_empty());
                    received.body.extend_from_slice(&chunk);
                }
                Output::End => received.ended = true,
            }
        }
    }

    /// What an exchange has received so far.
    pub(crate) fn so_far(&self, id: u64) -> Received {
        self.received[&id].clone()
    }

    /// An exchange that must be complete by now.
    pub(crate) fn complete(&self, id: u64) -> Received {
        let received = self.so_far(id);
        assert!(received.ended, "not complete: {received:?}");
        received
    }

    pub(crate) fn waits(&self, id: u64) -> bool {
        self.received[&id].status.is_none()
    }

    pub(crate) fn cancel(&mut self, id: u64) {
        self.model.tick(self.now);
        self.model.cancel(ExchangeId(id));
        self.drain();
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.model.tick(self.now);
        self.drain();
    }

    pub(crate) fn seconds(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    pub(crate) fn send(
        &mut self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Received {
        let id = self.begin(method, target, headers, body);
        self.complete(id)
    }

    pub(crate) fn put(&mut self, path: &str, headers: &[(&str, &str)]) -> Received {
        self.send(Method::PUT, path, headers, b"")
    }

    /// Creates a stream of a type, with content. It must be new.
    pub(crate) fn create(&mut self, path: &str, content_type: &str, body: &str) -> String {
        let created = self.send(
            Method::PUT,
            path,
            &[("content-type", content_type)],
            body.as_bytes(),
        );
        assert_eq!(created.status(), 201, "{created:?}");
        created.next_offset()
    }

    pub(crate) fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Received {
        self.send(Method::POST, path, headers, body)
    }

    /// Appends, which must succeed, and gives the new tail.
    pub(crate) fn append(&mut self, path: &str, body: impl AsRef<[u8]>) -> String {
        let head = self.head(path);
        let content_type = head
            .header("content-type")
            .expect("a content type")
            .to_owned();
        let appended = self.post(path, &[("content-type", &content_type)], body.as_ref());
        assert_eq!(appended.status(), 204, "{appended:?}");
        appended.next_offset()
    }

    /// Appends as a producer.
    pub(crate) fn produce(
        &mut self,
        path: &str,
        id: &str,
        epoch: u64,
        seq: u64,
        body: &str,
    ) -> Received {
        let (epoch, seq) = (epoch.to_string(), seq.to_string());
        let headers = [
            ("content-type", TEXT),
            ("producer-id", id),
            ("producer-epoch", &epoch),
            ("producer-seq", &seq),
        ];
        self.post(path, &headers, body.as_bytes())
    }

    /// The same, and closes.
    pub(crate) fn produce_last(
        &mut self,
        path: &str,
        id: &str,
        epoch: u64,
        seq: u64,
        body: &str,
    ) -> Received {
        let (epoch, seq) = (epoch.to_string(), seq.to_string());
        let headers = [
            ("content-type", TEXT),
            ("producer-id", id),
            ("producer-epoch", &epoch),
            ("producer-seq", &seq),
            ("stream-closed", "true"),
        ];
        self.post(path, &headers, body.as_bytes())
    }

    pub(crate) fn close(&mut self, path: &str) -> Received {
        self.post(path, &[("stream-closed", "true")], b"")
    }

    pub(crate) fn get(&mut self, target: &str) -> Received {
        self.send(Method::GET, target, &[], b"")
    }

    pub(crate) fn head(&mut self, path: &str) -> Received {
        self.send(Method::HEAD, path, &[], b"")
    }

    pub(crate) fn delete(&mut self, path: &str) -> Received {
        self.send(Method::DELETE, path, &[], b"")
    }

    /// Forks a stream, with more headers.
    pub(crate) fn fork(&mut self, path: &str, source: &str, headers: &[(&str, &str)]) -> Received {
        let mut all = vec![("stream-forked-from", source)];
        all.extend_from_slice(headers);
        self.put(path, &all)
    }

    /// The whole content of a stream, page by page.
    pub(crate) fn content(&mut self, path: &str) -> Vec<u8> {
        let mut content = Vec::new();
        let mut offset = "-1".to_owned();
        loop {
            let page = self.get(&format!("{path}?offset={offset}"));
            assert_eq!(page.status(), 200);
            content.extend_from_slice(&page.body);
            offset = page.next_offset();
            if page.up_to_date() {
                return content;
            }
        }
    }
}
