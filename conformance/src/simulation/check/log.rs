//! The logs, once everything has come to rest.

use bytes::Bytes;
use http::Request;

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
                Format::Json => {
                    let mut known = b"[".to_vec();
                    for (index, item) in stream.items.iter().enumerate() {
                        if index > 0 {
                            known.push(b',');
                        }
                        known.extend_from_slice(item);
                    }
                    known.push(b']');
                    known
                }
                _ => stream.bytes.clone(),
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

/// Everything the server has of a stream, as one body.
fn read(ctx: &mut Context, hop: &mut Hop, stream: &Stream) -> Vec<u8> {
    let json = stream.format == Format::Json;
    let mut all = if json { b"[".to_vec() } else { Vec::new() };
    let mut offset = "-1".to_owned();
    let id = ExchangeId(u64::MAX);
    loop {
        let Ok(request) =
            Request::get(format!("{}?offset={offset}", stream.path)).body(Bytes::new())
        else {
            return all;
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
            let inner = page
                .strip_prefix(b"[")
                .and_then(|page| page.strip_suffix(b"]"))
                .unwrap_or(&page);
            if all.len() > 1 && !inner.is_empty() {
                all.push(b',');
            }
            all.extend_from_slice(inner);
        } else {
            all.extend_from_slice(&page);
        }
        if tail {
            if json {
                all.push(b']');
            }
            return all;
        }
    }
}
