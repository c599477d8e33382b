//! Plays the body of a reply, step by step, whatever carries it.

use std::future::Future;
use std::io;

use super::reply::{Finish, Generate, Step};
use super::server::Shared;
use super::steer::{Awaited, Push};

/// How much of a generated body is in memory at a time.
const GENERATED_PIECE: usize = 64 * 1024;

/// What carries the pieces of a body.
pub(super) trait Wire {
    /// Writes a piece; or no more than so many bytes of it, and nothing that would end it.
    async fn piece(&mut self, piece: &[u8], cut: Option<usize>) -> io::Result<()>;

    /// Waits until the peer gives the exchange up. Pending for ever where something else watches for that.
    async fn gone(&mut self);
}

/// How the playing of a body ended.
pub(super) enum Played {
    /// It is complete.
    Whole,
    /// It is not, and this is how it ends.
    Cut(Finish),
}

/// Plays the steps of a body. `cut` is after how many bytes it ends early, and how.
pub(super) async fn body(
    steps: Vec<Step>,
    cut: Option<(u64, Finish)>,
    wire: &mut impl Wire,
    shared: &Shared,
) -> io::Result<Played> {
    let mut player = Player {
        wire,
        shared,
        left: cut.map(|(bytes, _)| bytes),
    };
    let how = cut.map_or(Finish::Close, |(_, how)| how);
    for step in steps {
        if let Some(early) = player.step(step).await? {
            return Ok(Played::Cut(early.unwrap_or(how)));
        }
    }
    Ok(match cut {
        Some((_, how)) => Played::Cut(how),
        None => Played::Whole,
    })
}

/// The end of a reply before its time: as the reply says (`None`), or as the test wants it.
type Early = Option<Finish>;

struct Player<'a, W> {
    wire: &'a mut W,
    shared: &'a Shared,
    /// How many bytes of the body are left until it is cut.
    left: Option<u64>,
}

impl<W: Wire> Player<'_, W> {
    async fn step(&mut self, step: Step) -> io::Result<Option<Early>> {
        match step {
            Step::Data(data) => self.piece(&data).await,
            Step::Wait(gate) => {
                let awaited = Awaited::Gate(gate.clone());
                self.unless_gone(awaited, gate.opened()).await?;
                Ok(None)
            }
            Step::Live(mut pushed) => loop {
                let awaited = pushed.awaited();
                let push = self.unless_gone(awaited, pushed.recv()).await?;
                match push {
                    Some(Push::Piece(data)) => {
                        let early = self.piece(&data).await?;
                        if early.is_some() {
                            return Ok(early);
                        }
                        pushed.seen();
                    }
                    Some(Push::End) => return Ok(None),
                    Some(Push::Cut) | None => return Ok(Some(Some(Finish::Close))),
                    Some(Push::Reset) => return Ok(Some(Some(Finish::Reset))),
                }
            },
            Step::Generate(length, fill) => self.generate(length, &fill).await,
        }
    }

    async fn unless_gone<T>(
        &mut self,
        awaited: Awaited,
        wait: impl Future<Output = T>,
    ) -> io::Result<T> {
        let held = self.shared.hold(awaited, wait);
        tokio::select! {
            biased;
            done = held => Ok(done),
            () = self.wire.gone() => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    async fn generate(&mut self, length: u64, fill: &Generate) -> io::Result<Option<Early>> {
        let mut buffer = vec![0; GENERATED_PIECE];
        let mut offset = 0;
        while offset < length {
            let size = usize::try_from(length - offset)
                .map_or(GENERATED_PIECE, |rest| rest.min(GENERATED_PIECE));
            let piece = &mut buffer[..size];
            fill(offset, piece);
            let early = self.piece(piece).await?;
            if early.is_some() {
                return Ok(early);
            }
            offset += size as u64;
        }
        Ok(None)
    }

    /// Writes a piece of the body, up to where it is cut.
    async fn piece(&mut self, piece: &[u8]) -> io::Result<Option<Early>> {
        let cut = self.left.and_then(|left| {
            let left = usize::try_from(left).ok()?;
            (left <= piece.len()).then_some(left)
        });
        self.wire.piece(piece, cut).await?;
        let sent = cut.unwrap_or(piece.len());
        self.shared.sent(sent);
        if let Some(left) = &mut self.left {
            *left -= sent as u64;
        }
        Ok(cut.map(|_| None))
    }
}
