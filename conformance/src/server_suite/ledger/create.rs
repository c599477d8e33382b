//! Creating a stream (§5.1).

use super::{Requirement, must, promised, should};

pub(super) const ROWS: &[Requirement] = &[
    must(
        "5.1-01",
        "5.1",
        "A PUT to an existing stream with the same content type, TTL, expiry and closed state \
         answers 200.",
    ),
    must(
        "5.1-02",
        "5.1",
        "A PUT to an existing stream with another content type answers 409.",
    ),
    must(
        "5.1-03",
        "5.1",
        "A PUT to an existing stream with another `Stream-TTL` answers 409, also where only one of \
         the two has a TTL.",
    ),
    must(
        "5.1-04",
        "5.1",
        "A PUT to an existing stream with another `Stream-Expires-At` answers 409. It is not said \
         whether the same moment spelled differently is another one: 200 and 409 are both accepted \
         for that.",
    ),
    must(
        "5.1-05",
        "5.1",
        "A PUT without `Stream-Closed: true` to an existing stream that is closed answers 409.",
    ),
    must(
        "5.1-06",
        "5.1",
        "A PUT with `Stream-Closed: true` to an existing stream that is closed, and otherwise the \
         same, answers 200.",
    ),
    must(
        "5.1-07",
        "5.1",
        "A PUT with `Stream-Closed: true` to an existing stream that is open answers 409, and the \
         stream stays open.",
    ),
    promised(
        "5.1-08",
        "5.1",
        "A stream created without `Content-Type` is `application/octet-stream`, and the answer to \
         the PUT says so in its `Content-Type`.",
    ),
    must(
        "5.1-09",
        "5.1",
        "`Stream-TTL` is a decimal integer of digits alone: with a leading zero, a sign, a point, \
         an exponent or a letter, the PUT answers 400.",
    ),
    promised(
        "5.1-10",
        "5.1",
        "`Stream-TTL: 0` is well formed: the PUT creates a stream, which may have expired by the \
         next request.",
    ),
    promised(
        "5.1-11",
        "5.1",
        "A `Stream-TTL` of any number of digits does no harm: the PUT answers 201 or 400, never a \
         5xx, and the server goes on serving.",
    ),
    promised(
        "5.1-12",
        "5.1",
        "A GET of a stream with `Stream-TTL` starts its time anew: it expires that many seconds \
         after the last access.",
    ),
    promised(
        "5.1-13",
        "5.1",
        "A GET with `offset=now` starts the time of a stream with `Stream-TTL` anew, although it \
         returns no data.",
    ),
    promised(
        "5.1-14",
        "5.1",
        "An append by POST starts the time of a stream with `Stream-TTL` anew.",
    ),
    promised(
        "5.1-15",
        "5.1",
        "A POST that only closes a stream with `Stream-TTL` starts its time anew, with or without \
         producer headers.",
    ),
    promised(
        "5.1-16",
        "5.1",
        "An append with producer headers starts the time of a stream with `Stream-TTL` anew.",
    ),
    promised(
        "5.1-17",
        "5.1",
        "A GET with `live=long-poll` or `live=sse` starts the time of a stream with `Stream-TTL` \
         anew when it begins.",
    ),
    promised(
        "5.1-18",
        "5.1",
        "A stream with `Stream-TTL` does not expire while a long-poll or an event stream is \
         reading it.",
    ),
    promised(
        "5.1-19",
        "5.1",
        "A HEAD does not start the time of a stream with `Stream-TTL` anew.",
    ),
    promised(
        "5.1-20",
        "5.1",
        "A stream that has expired answers 404, and a PUT to its URL creates a new one, without \
         the old contents.",
    ),
    promised(
        "5.1-21",
        "5.1",
        "`Stream-Expires-At` is a date and time as in RFC 3339; a PUT with anything else in it \
         answers 400.",
    ),
    promised(
        "5.1-22",
        "5.1",
        "A `Stream-Expires-At` with a numeric offset from UTC, such as \
         `2030-01-01T02:00:00+02:00`, is accepted, and means that moment.",
    ),
    promised(
        "5.1-23",
        "5.1",
        "`Stream-Expires-At` is absolute: reading the stream or appending to it does not put its \
         end off.",
    ),
    should(
        "5.1-24",
        "5.1",
        "A PUT with both `Stream-TTL` and `Stream-Expires-At` should answer 400.",
    ),
    must(
        "5.1-25",
        "5.1",
        "A server that does not refuse `Stream-TTL` and `Stream-Expires-At` together documents \
         which of them counts.",
    ),
    promised(
        "5.1-26",
        "5.1",
        "A PUT with `Stream-Closed: true` creates a closed stream; its body, if there is one, is \
         the whole contents.",
    ),
    promised(
        "5.1-27",
        "5.1",
        "The body of the PUT that creates a stream is its first contents.",
    ),
    promised(
        "5.1-28",
        "5.1",
        "The body of a PUT to a stream that exists already with the same configuration is not \
         appended to it.",
    ),
    must(
        "5.1-29",
        "9.1.4",
        "A PUT that would create a JSON stream with a body that is no valid JSON answers 400, and \
         leaves no stream behind.",
    ),
    should(
        "5.1-30",
        "5.1",
        "A 201 should have a `Location` with the URL of the stream. It may be absolute, or \
         relative to the URL of the request.",
    ),
    promised(
        "5.1-31",
        "5.1",
        "A 201 to a PUT has the `Content-Type` of the stream.",
    ),
    promised(
        "5.1-32",
        "5.1",
        "A 200 to a PUT of a stream that exists already has the `Content-Type` and the \
         `Stream-Next-Offset` of that stream.",
    ),
    promised(
        "5.1-33",
        "5.1",
        "A 201 to a PUT has the tail in `Stream-Next-Offset`: the position after the initial \
         contents, if there are any.",
    ),
    promised(
        "5.1-34",
        "5.1",
        "A 201 or 200 to a PUT has `Stream-Closed: true` when the stream is closed.",
    ),
    promised(
        "5.1-35",
        "5.1",
        "A PUT beyond the rate that the server allows answers 429.",
    ),
];
