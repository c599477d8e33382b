//! Reading live: long-polls and server-sent events (§5.7, §5.8).

use super::{Requirement, must, promised, should};

pub(super) const ROWS: &[Requirement] = &[
    must(
        "5.7-01",
        "5.7",
        "A GET with `live=long-poll` and without `offset` answers 400.",
    ),
    promised(
        "5.7-02",
        "5.7",
        "A long-poll from an offset behind which there is data answers 200 with that data at once.",
    ),
    promised(
        "5.7-03",
        "5.7",
        "A long-poll at the tail answers 200 when data is appended, with that data and the offset \
         behind it in `Stream-Next-Offset`.",
    ),
    promised(
        "5.7-04",
        "5.7",
        "A long-poll at the tail, to which nothing is appended for as long as the server waits, \
         answers 204. How long that is the server chooses.",
    ),
    promised(
        "5.7-05",
        "5.7",
        "A long-poll where there is no such stream answers 404.",
    ),
    must(
        "5.7-06",
        "5.7/10.1",
        "A 200 to a long-poll has a `Stream-Cursor`. Once the stream is closed it may be missing.",
    ),
    must(
        "5.7-07",
        "5.7",
        "A 204 to a long-poll has the tail in `Stream-Next-Offset`.",
    ),
    must(
        "5.7-08",
        "5.7",
        "A 204 to a long-poll has `Stream-Up-To-Date: true`.",
    ),
    must(
        "5.7-09",
        "5.7",
        "A 204 to a long-poll of an open stream has a `Stream-Cursor`.",
    ),
    must(
        "5.7-10",
        "5.7",
        "A 204 to a long-poll of a closed stream has `Stream-Closed: true`.",
    ),
    must(
        "5.7-11",
        "5.7",
        "A long-poll at the tail of a closed stream does not wait: it answers 204 at once, with \
         `Stream-Closed: true` and `Stream-Up-To-Date: true`.",
    ),
    must(
        "5.7-12",
        "5.7",
        "A long-poll that waits at the tail when the stream is closed without data is answered \
         promptly: 204 with `Stream-Closed: true`.",
    ),
    must(
        "5.7-13",
        "5.6/5.7",
        "A long-poll that waits at the tail when the stream is closed with a final append answers \
         200 with the final bytes, never with the closure alone; the answer that holds the last of \
         them has `Stream-Closed: true`.",
    ),
    must(
        "5.7-14",
        "5.7",
        "A 200 to a long-poll that reaches the tail of a closed stream has `Stream-Closed: true`.",
    ),
    must(
        "5.7-15",
        "10.1",
        "A 200 to a long-poll has an `ETag`, as those to other GETs have; only answers to \
         `offset=now` need none.",
    ),
    must(
        "5.7-16",
        "5.7",
        "A long-poll of a fork from an offset within what it inherited answers 200 with inherited \
         data, without waiting.",
    ),
    must(
        "5.7-17",
        "5.7",
        "A long-poll at the tail of a fork waits for appends to the fork alone: appends to its \
         source neither wake it nor show up in its answer.",
    ),
    must(
        "5.7-18",
        "9.1",
        "A 200 to a long-poll of a JSON stream has a JSON array of messages as its body.",
    ),
    must(
        "5.8-01",
        "5.8",
        "A GET with `live=sse` answers 200 with `Content-Type: text/event-stream`.",
    ),
    must(
        "5.8-02",
        "5.8",
        "On a stream that is neither `text/*` nor `application/json`, `data` events carry base64, \
         and the answer has `stream-sse-data-encoding: base64`.",
    ),
    promised(
        "5.8-03",
        "5.8",
        "On a stream of `text/*` or `application/json`, `data` events carry the contents as UTF-8 \
         and the answer has no `stream-sse-data-encoding`, also when the content type has \
         parameters or is spelled in another case.",
    ),
    promised(
        "5.8-04",
        "5.8",
        "A GET with `live=sse` answers 400 without `offset` or with a malformed one, and 404 where \
         there is no such stream.",
    ),
    promised(
        "5.8-05",
        "5.8",
        "Every line of a payload gets its own `data:`, whether CR, LF or CRLF ends it, so that \
         contents cannot pass for fields or events. A reader may get any of the three as LF.",
    ),
    must(
        "5.8-06",
        "5.8",
        "The base64 text of a `data` event, with its lines joined, is valid, and its length is a \
         multiple of four.",
    ),
    promised(
        "5.8-07",
        "5.8",
        "Every `data` event is followed by a `control` event. One for each is what the text says \
         first of all; several `data` events of one batch before a common `control` event are \
         accepted as well, data that no `control` event follows is not.",
    ),
    must(
        "5.8-08",
        "5.8",
        "The payload of every `control` event is a JSON object with an offset in \
         `streamNextOffset`.",
    ),
    promised(
        "5.8-09",
        "5.8",
        "The `streamNextOffset` of a `control` event lies exactly behind the data sent before it: \
         a reader that goes on there misses nothing and gets nothing twice.",
    ),
    must(
        "5.8-10",
        "5.8",
        "Every `control` event of an open stream has a `streamCursor`.",
    ),
    must(
        "5.8-11",
        "5.8",
        "A `control` event has `upToDate: true` when all the data there was has been sent.",
    ),
    must(
        "5.8-12",
        "5.8",
        "The `control` event after the last data of a closed stream has `streamClosed: true`.",
    ),
    promised(
        "5.8-13",
        "5.8",
        "The fields of a `control` event are spelled in camel case: `streamNextOffset`, \
         `streamCursor`, `upToDate`, `streamClosed`.",
    ),
    must(
        "5.8-14",
        "5.8",
        "After a `control` event with `streamClosed: true` the server ends the answer.",
    ),
    must(
        "5.8-15",
        "5.8",
        "An event stream from the tail of a closed stream brings at once a `control` event with \
         both `streamClosed: true` and `upToDate: true`.",
    ),
    must(
        "5.8-16",
        "5.8",
        "When a stream is closed without data while an event stream reads it, a final `control` \
         event with `streamClosed: true` comes, and the answer ends.",
    ),
    promised(
        "5.8-17",
        "5.8",
        "What is appended while an event stream reads comes over it, in order, each byte or \
         message once.",
    ),
    should(
        "5.8-18",
        "5.8/10.2",
        "A server should end an event stream after about 60 seconds; readers go on with a new \
         request.",
    ),
    promised(
        "5.8-19",
        "5.8",
        "An event stream of a fork never brings what was appended to its source after the fork was \
         created.",
    ),
    promised(
        "5.8-20",
        "5.8",
        "Text that begins with a space comes over an event stream with that space.",
    ),
    promised(
        "5.8-21",
        "5.8",
        "Text that begins or ends with newlines comes over an event stream with all of them.",
    ),
    promised(
        "5.8-22",
        "5.8",
        "A character of several bytes that was split over two appends comes over an event stream \
         unharmed, without replacement characters.",
    ),
    should(
        "5.8-23",
        "5.8",
        "An event stream should have `Cache-Control: no-cache`, and no `Content-Length`.",
    ),
];
