//! Commands that are one operation each: create, connect, append, head, delete, close.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use durable_streams_client::core::wire::content_type::Format;
use durable_streams_client::core::wire::time;
use durable_streams_client::{Metadata, Payload};
use serde_json::value::RawValue;

use super::command::{Address, Append, Close, Create};
use super::dynamic::with_headers;
use super::failure::Failed;
use super::outcome::Outcome;
use super::session::Session;

/// The content type of a stream of which nobody said it.
pub(crate) const DEFAULT_TYPE: &str = "application/octet-stream";

pub(crate) async fn create(session: &mut Session, create: Create) -> Result<Outcome, Failed> {
    let path = &create.address.path;
    let content_type = create.content_type.unwrap_or_else(|| DEFAULT_TYPE.into());
    // Only a success replaces what is known of the stream.
    let stream = session.fresh(path).with_content_type(&content_type);
    let mut creation = with_headers(stream.clone(), &create.address.headers)
        .create()
        .content_type(&content_type);
    if let Some(seconds) = create.ttl_seconds {
        creation = creation.ttl(Duration::from_secs(seconds));
    }
    if let Some(text) = create.expires_at {
        let moment = time::parse_rfc3339(&text);
        let moment = moment.ok_or_else(|| Failed::invalid(format!("expiresAt: {text:?}")))?;
        creation = creation.expires_at(moment);
    }
    if create.closed {
        creation = creation.closed();
    }
    if let Some(contents) = contents(create.data.unwrap_or_default(), &content_type)? {
        creation = creation.contents(contents);
    }
    let created = creation.await?;
    session.remember(path, stream);
    Ok(Outcome::Create {
        status: if created.created { 201 } else { 200 },
        offset: created.next_offset,
    })
}

/// The first contents of a stream, given as the body that carries them: of a JSON stream, the elements of an array are the messages.
fn contents(data: String, content_type: &str) -> Result<Option<Payload>, Failed> {
    if data.is_empty() {
        return Ok(None);
    }
    let messages = match Format::of(content_type) {
        Format::Json => serde_json::from_str::<Vec<&RawValue>>(&data).ok(),
        _ => None,
    };
    match messages {
        Some(messages) if messages.is_empty() => Ok(None),
        Some(messages) => {
            let messages = messages.iter().map(|message| message.get());
            Ok(Some(Payload::raw_batch(messages)?))
        }
        None => Ok(Some(data.into())),
    }
}

pub(crate) async fn connect(session: &mut Session, address: &Address) -> Result<Outcome, Failed> {
    let offset = metadata(session, address).await?.next_offset;
    Ok(Outcome::Connect {
        status: 200,
        offset,
    })
}

pub(crate) async fn head(session: &mut Session, address: &Address) -> Result<Outcome, Failed> {
    let metadata = metadata(session, address).await?;
    Ok(Outcome::Head {
        status: 200,
        offset: metadata.next_offset,
        content_type: metadata.content_type,
        ttl_seconds: metadata.ttl.map(|ttl| ttl.as_secs()),
        expires_at: metadata.expires_at.and_then(time::format_rfc3339),
        stream_closed: metadata.closed,
    })
}

async fn metadata(session: &mut Session, address: &Address) -> Result<Metadata, Failed> {
    Ok(session.stream(address).head().await?)
}

pub(crate) async fn append(session: &mut Session, append: Append) -> Result<Outcome, Failed> {
    let data = if append.binary {
        let decoded = BASE64_STANDARD.decode(&append.data);
        decoded.map_err(|error| Failed::invalid(format!("data is no base64: {error}")))?
    } else {
        append.data.into_bytes()
    };
    let sent = session.dynamic.next(&append.address.headers);
    let stream = sent.with(session.stream(&append.address));
    // The runner expects that any 5xx is survived, and injects those that did nothing.
    let mut request = stream.append(data).at_least_once(true);
    if let Some(seq) = append.seq {
        request = request.seq(seq.to_string());
    }
    Ok(Outcome::Append {
        status: 200,
        offset: request.await?.next_offset,
        sent,
    })
}

pub(crate) async fn delete(session: &mut Session, address: &Address) -> Result<Outcome, Failed> {
    session.stream(address).delete().await?;
    Ok(Outcome::Delete { status: 200 })
}

pub(crate) async fn close(session: &mut Session, close: Close) -> Result<Outcome, Failed> {
    let stream = session.stream(&close.address);
    let Some(data) = close.data.filter(|data| !data.is_empty()) else {
        let final_offset = stream.close().await?.final_offset;
        return Ok(Outcome::Close { final_offset });
    };
    let mut request = stream.close_with(data).at_least_once(true);
    if let Some(content_type) = close.content_type {
        request = request.content_type(content_type);
    }
    let final_offset = request.await?.next_offset;
    Ok(Outcome::Close { final_offset })
}
