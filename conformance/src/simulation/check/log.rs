//! The logs, once everything has come to rest.

use bytes::Bytes;
use http::Request;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::value::RawValue;

use crate::reference::{ExchangeId, Output};
use crate::simulation::context::Context;
use crate::simulation::hop::Hop;
use crate::simulation::message::Format;
use crate::simulation::truth::{Stream, Truth};

/// What the server has is what it acknowledged, and every writer's messages are in its order.
pub(in crate::simulation) fn check_logs(ctx: &mut Context, hop: &mut Hop, truth: &Truth) {
    for (index, stream) in truth.streams.iter().enumerate() {
        order(ctx, truth, stream);
        if !stream.deleted {
            let stored = read(ctx, hop, stream);
            let known = match stream.format {
                Format::Json => stream.items.clone(),
                _ => vec![Bytes::from(stream.bytes.clone())],
            };
            if stored != known {
                ctx.violate(index, || "the server has not what it acknowledged".into());
            }
        }
    }
}

/// First copies come in the order of tickets, and so do those of one epoch.
fn order(ctx: &mut Context, truth: &Truth, stream: &Stream) {
    /// What came last of a writer: its epoch, its ticket, its highest ticket.
    type Last = (u64, u64, u64);
    let mut last: Vec<Option<Last>> = Vec::new();
    for &(id, epoch) in &stream.messages {
        let message = &truth.messages[id];
        if last.len() <= message.writer {
            last.resize(message.writer + 1, None);
        }
        let ticket = message.ticket;
        let highest = match last[message.writer] {
            None => ticket,
            Some((before, previous, highest)) => {
                let again = ticket <= highest;
                if epoch < before
                    || (epoch == before && ticket <= previous)
                    || (again && message.stored < 2)
                {
                    ctx.violate(message.writer, || {
                        format!("ticket {ticket} is stored behind ticket {highest}")
                    });
                }
                highest.max(ticket)
            }
        };
        last[message.writer] = Some((epoch, ticket, highest));
    }
}

/// Everything the server has of a stream: its messages, or all bytes of it.
fn read(ctx: &mut Context, hop: &mut Hop, stream: &Stream) -> Vec<Bytes> {
    let json = stream.format == Format::Json;
    let mut messages = Vec::new();
    let mut bytes = Vec::new();
    let mut offset = "-1".to_owned();
    let id = ExchangeId(u64::MAX);
    loop {
        let encoded = utf8_percent_encode(&offset, NON_ALPHANUMERIC);
        let request = Request::get(format!("{}?offset={encoded}", stream.path));
        let Ok(request) = request.body(Bytes::new()) else {
            return messages;
        };
        hop.model.step(id, request, ctx.clock.calendar());
        let mut page = Vec::new();
        let mut tail = true;
        while let Some(output) = hop.model.poll_exchange(id) {
            match output {
                Output::Head(head) => {
                    tail = !head.status.is_success()
                        || head.headers.contains_key("stream-up-to-date")
                        || head.headers.contains_key("stream-closed");
                    if let Some(next) = head.headers.get("stream-next-offset") {
                        offset = next.to_str().unwrap_or_default().to_owned();
                    }
                }
                Output::Chunk(chunk) => page.extend_from_slice(&chunk),
                Output::End => {}
            }
        }
        if json {
            let page: Vec<&RawValue> = serde_json::from_slice(&page).unwrap_or_default();
            let texts = page.iter().map(|message| message.get().to_owned());
            messages.extend(texts.map(Bytes::from));
        } else {
            bytes.extend_from_slice(&page);
        }
        if tail {
            if !json {
                messages.push(Bytes::from(bytes));
            }
            return messages;
        }
    }
}
