//! Server-sent events: every legal way of writing them, cut in every way.

use bytes::Bytes;
use durable_streams_core::wire::sse::{SseError, SseParser, decode_base64};
use proptest::{collection::vec, prelude::*, sample::Index};

type Event = (Vec<u8>, Vec<u8>);

fn event(kind: &str, data: &str) -> Event {
    (kind.into(), data.into())
}

fn drain(parser: &mut SseParser, events: &mut Vec<Event>) -> Result<(), SseError> {
    while let Some(event) = parser.next_event()? {
        events.push((event.event().to_vec(), event.data.to_vec()));
    }
    Ok(())
}

/// The events of `chunks`, asked for after each chunk.
fn parse_within(limit: usize, chunks: &[&[u8]]) -> (Vec<Event>, Result<(), SseError>) {
    let mut parser = SseParser::new(limit);
    let mut events = Vec::new();
    for chunk in chunks {
        parser.push(Bytes::copy_from_slice(chunk));
        if let Err(error) = drain(&mut parser, &mut events) {
            assert_eq!(parser.next_event(), Err(error.clone()), "the error stays");
            return (events, Err(error));
        }
    }
    (events, Ok(()))
}

fn parse(chunks: &[&[u8]]) -> Vec<Event> {
    let (events, result) = parse_within(usize::MAX, chunks);
    result.expect("there is no limit");
    events
}

fn bytes_of(body: &[u8]) -> Vec<&[u8]> {
    body.chunks(1).collect()
}

fn cut<'a>(body: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
    at.sort_unstable();
    at.push(body.len());
    let mut start = 0;
    at.into_iter()
        .map(|end| &body[std::mem::replace(&mut start, end)..end])
        .collect()
}

/// The standard's rules, word for word, on a whole body.
fn reference(body: &[u8]) -> Vec<Event> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let mut lines = vec![Vec::new()];
    let mut bytes = body.iter().peekable();
    while let Some(&byte) = bytes.next() {
        if byte == b'\r' || byte == b'\n' {
            if byte == b'\r' {
                bytes.next_if_eq(&&b'\n');
            }
            lines.push(Vec::new());
        } else {
            lines.last_mut().expect("never empty").push(byte);
        }
    }
    lines.pop(); // Not ended.
    let (mut events, mut kind, mut data) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        if line.is_empty() {
            if data.pop().is_some() {
                events.push((
                    if kind.is_empty() {
                        b"message".to_vec()
                    } else {
                        kind
                    },
                    data,
                ));
            }
            (kind, data) = (Vec::new(), Vec::new());
            continue;
        }
        let colon = line.iter().position(|&byte| byte == b':');
        let (name, value) = match colon {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (&line[..], &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"event" => kind = value.to_vec(),
            b"data" => {
                data.extend_from_slice(value);
                data.push(b'\n');
            }
            _ => {}
        }
    }
    events
}

/// Bytes of one line, with everything that is a line end elsewhere.
fn text() -> impl Strategy<Value = String> {
    vec(
        prop_oneof![
            "[ -~]{0,8}",
            Just("é".into()),
            Just("\u{1F980}".into()),
            Just("\u{2028}".into()),
            Just("\u{2029}".into()),
            Just("\u{85}".into()),
            Just("\u{FEFF}".into()),
            Just("\0\x0B\x0C".into()),
            Just(" ".into()),
            Just(":".into()),
        ],
        0..5,
    )
    .prop_map(|parts| parts.concat())
}

fn line_end() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("\n"), Just("\r"), Just("\r\n")]
}

/// A line that says nothing.
fn noise() -> impl Strategy<Value = String> {
    prop_oneof![
        text().prop_map(|text| format!(":{text}")),
        text().prop_map(|text| format!("id:{text}")),
        "[0-9]{0,4}".prop_map(|number| format!("retry: {number}")),
        text().prop_map(|text| format!("other: {text}")),
        Just("nocolon".into()),
        Just("dataset: x".into()),
        Just("Data: x".into()),
        Just(" data: x".into()),
    ]
}

fn field(name: &'static str, value: String) -> impl Strategy<Value = String> {
    let must_pad = value.starts_with(' ');
    any::<bool>()
        .prop_map(move |pad| format!("{name}:{}{value}", if pad || must_pad { " " } else { "" }))
}

/// An event as it is written, without its line ends, and as it is meant.
fn written_event() -> impl Strategy<Value = (Vec<String>, Option<Event>)> {
    (proptest::option::of(text()), vec(text(), 0..4)).prop_flat_map(|(kind, data)| {
        let name = kind
            .clone()
            .filter(|kind| !kind.is_empty())
            .unwrap_or_else(|| "message".into());
        let meant = (!data.is_empty()).then(|| event(&name, &data.join("\n")));
        let fields: Vec<_> = kind
            .map(|kind| field("event", kind).boxed())
            .into_iter()
            .chain(data.into_iter().map(|line| field("data", line).boxed()))
            .map(|field| (vec(noise(), 0..2), field))
            .collect();
        (fields, vec(noise(), 0..2)).prop_map(move |(fields, last)| {
            let lines = fields
                .into_iter()
                .flat_map(|(noise, field)| noise.into_iter().chain([field]));
            (lines.chain(last).collect(), meant.clone())
        })
    })
}

fn written_stream() -> impl Strategy<Value = (String, Vec<Event>)> {
    (
        any::<bool>(),
        vec(written_event(), 0..6),
        vec(line_end(), 1..40),
    )
        .prop_map(|(bom, events, ends)| {
            let mut body = String::from(if bom { "\u{FEFF}" } else { "" });
            let mut ends = ends.into_iter().cycle();
            let mut meant = Vec::new();
            for (lines, event) in events {
                for line in lines.into_iter().chain([String::new()]) {
                    // A lone CR and an empty line ended by LF would be one line end.
                    let end = ends.next().expect("endless");
                    let end = if line.is_empty() && end == "\n" && body.ends_with('\r') {
                        "\r\n"
                    } else {
                        end
                    };
                    body.push_str(&line);
                    body.push_str(end);
                }
                meant.extend(event);
            }
            (body, meant)
        })
}

/// Anything that might confuse.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let pieces: [&[u8]; 18] = [
        b"data",
        b"event",
        b":",
        b": ",
        b" ",
        b"\n",
        b"\n",
        b"\n\n",
        b"\r",
        b"\r\n",
        b"data: x",
        b"\ndata:",
        b"event: control",
        b"id: 1",
        b"\xEF\xBB\xBF",
        b"\xC3",
        b"\xA9\0",
        b"retry",
    ];
    vec(proptest::sample::select(pieces.to_vec()), 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn b1_b3_b4_any_legal_stream_in_any_chunks((body, meant) in written_stream(), cuts in vec(any::<Index>(), 0..12)) {
        let body = body.as_bytes();
        prop_assert_eq!(&reference(body), &meant, "the generator means what it writes");
        prop_assert_eq!(&parse(&[body]), &meant);
        prop_assert_eq!(&parse(&bytes_of(body)), &meant);
        prop_assert_eq!(&parse(&cut(body, &cuts)), &meant);
    }

    #[test]
    fn b2_b3_any_bytes_as_the_standard_reads_them(body in soup(), cuts in vec(any::<Index>(), 0..12)) {
        let meant = reference(&body);
        prop_assert_eq!(&parse(&[&body]), &meant);
        prop_assert_eq!(&parse(&bytes_of(&body)), &meant);
        prop_assert_eq!(&parse(&cut(&body, &cuts)), &meant);
    }

    #[test]
    fn b1_several_pushes_before_polling((body, meant) in written_stream(), cuts in vec(any::<Index>(), 0..12)) {
        let mut parser = SseParser::new(usize::MAX);
        for chunk in cut(body.as_bytes(), &cuts) {
            parser.push(Bytes::copy_from_slice(chunk));
        }
        let mut events = Vec::new();
        drain(&mut parser, &mut events).unwrap();
        prop_assert_eq!(events, meant);
    }

    #[test]
    fn b7_a_limit_is_the_same_in_any_chunks(body in soup(), limit in 0usize..40, cuts in vec(any::<Index>(), 0..12)) {
        let whole = parse_within(limit, &[&body]);
        prop_assert_eq!(&parse_within(limit, &bytes_of(&body)), &whole);
        prop_assert_eq!(&parse_within(limit, &cut(&body, &cuts)), &whole);
        for (_, data) in whole.0 {
            prop_assert!(data.len() <= limit);
        }
    }

    #[test]
    fn b8_base64_round_trip(data in vec(any::<u8>(), 0..200), ends in vec((any::<Index>(), line_end()), 0..8)) {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let mut text = STANDARD.encode(&data);
        for (at, end) in ends {
            text.insert_str(at.index(text.len() + 1), end);
        }
        prop_assert_eq!(&decode_base64(text.as_bytes()).unwrap()[..], &data[..]);
    }

    #[test]
    fn b8_base64_never_panics(data in vec(any::<u8>(), 0..40)) {
        let _ = decode_base64(&data);
    }
}

#[test]
fn b1_characters_cut_anywhere() {
    let body = "event: data\ndata: \"h\u{E9}llo \u{1F980}\"\n\n".as_bytes();
    for at in 0..=body.len() {
        assert_eq!(
            parse(&[&body[..at], &body[at..]]),
            [event("data", "\"h\u{E9}llo \u{1F980}\"")]
        );
    }
}

/// Lines that chunks cut are gathered in buffers that several events share.
#[test]
fn b1_events_of_any_length_stay_as_they_were_given() {
    let data = |index: usize, length: usize| -> String {
        let letters = ('a'..='z').cycle().skip(index);
        letters.take(length).collect()
    };
    let lengths = [
        1, 70, 70, 1023, 1024, 1025, 3, 2040, 2048, 2049, 70, 9000, 5, 70,
    ];
    let (mut body, mut meant) = (String::new(), Vec::<Event>::new());
    for (index, length) in lengths.into_iter().cycle().take(60).enumerate() {
        let (first, second) = (data(index, length), data(index + 7, length / 2));
        match index % 3 {
            0 => body += &format!("event: data\ndata: {first}\n\n"),
            1 => body += &format!("data: {first}\n: {second}\nevent: data\ndata: {second}\n\n"),
            _ => body += &format!("event: data\r\ndata:{first}\r\n: {second}\r\n\r\n"),
        }
        let joined = format!("{first}\n{second}");
        let data = if index % 3 == 1 { joined } else { first };
        meant.push((b"data".to_vec(), data.into_bytes()));
    }
    for chunk in [
        1, 2, 7, 16, 63, 64, 65, 300, 511, 512, 513, 1024, 1500, 4096,
    ] {
        let mut parser = SseParser::new(usize::MAX);
        let mut kept = Vec::new();
        for chunk in body.as_bytes().chunks(chunk) {
            parser.push(Bytes::copy_from_slice(chunk));
            while let Some(event) = parser.next_event().expect("no limit") {
                kept.push(event);
            }
        }
        let kept = kept.iter().map(|event| (event.event(), &event.data[..]));
        let as_meant = meant.iter().map(|(kind, data)| (&kind[..], &data[..]));
        assert!(kept.eq(as_meant), "kept, in chunks of {chunk}");
        let chunks: Vec<&[u8]> = body.as_bytes().chunks(chunk).collect();
        assert!(parse(&chunks) == meant, "in chunks of {chunk}");
    }
}

#[test]
fn b1_bytes_that_are_not_text_stay() {
    assert_eq!(
        parse(&[b"data: \xFF\xFE\n\n"]),
        [(b"message".to_vec(), b"\xFF\xFE".to_vec())]
    );
}

#[test]
fn b2_line_ends_across_chunks() {
    let meant = [event("data", "1\n2"), event("control", "{}")];
    for end in ["\n", "\r", "\r\n"] {
        let body = "event: data|data: 1|data: 2||event: control|data: {}||".replace('|', end);
        let body = body.as_bytes();
        assert_eq!(parse(&[body]), meant);
        assert_eq!(parse(&bytes_of(body)), meant);
        for at in 0..=body.len() {
            assert_eq!(parse(&[&body[..at], &body[at..]]), meant);
        }
    }
}

#[test]
fn b2_cr_cr_finishes_an_event_at_once() {
    let mut parser = SseParser::new(100);
    parser.push(Bytes::from_static(b"data: 1\r\r"));
    assert_eq!(&parser.next_event().unwrap().unwrap().data[..], b"1");
    parser.push(Bytes::from_static(b"\n"));
    assert_eq!(parser.next_event(), Ok(None));
    parser.push(Bytes::from_static(b"data: 2\r\n\r"));
    assert_eq!(&parser.next_event().unwrap().unwrap().data[..], b"2");
    parser.push(Bytes::from_static(b"\ndata: 3\n\n"));
    assert_eq!(&parser.next_event().unwrap().unwrap().data[..], b"3");
}

#[test]
fn b2_nothing_else_ends_a_line() {
    let data = "a\u{2028}b\u{2029}c\u{85}d\x0Be\x0Cf\0g";
    assert_eq!(
        parse(&[format!("data: {data}\n\n").as_bytes()]),
        [event("message", data)]
    );
}

#[test]
fn b3_b4_fields() {
    let table: &[(&str, &[Event])] = &[
        ("data:x\n\n", &[event("message", "x")]),
        ("data: x\n\n", &[event("message", "x")]),
        ("data:  x \n\n", &[event("message", " x ")]),
        ("data:\tx\n\n", &[event("message", "\tx")]),
        ("data:\n\n", &[event("message", "")]),
        ("data: \n\n", &[event("message", "")]),
        ("data\n\n", &[event("message", "")]),
        ("data\ndata\n\n", &[event("message", "\n")]),
        ("data:\ndata: x\ndata\n\n", &[event("message", "\nx\n")]),
        ("data: a:b: c\n\n", &[event("message", "a:b: c")]),
        (
            ": hi\nid: 7\nretry: 10\nfoo\nfoo: bar\ndata: x\n:\n\n",
            &[event("message", "x")],
        ),
        ("DATA: x\ndata : x\ndatas: x\n data: x\n\n", &[]),
        ("event: a\nevent: b\ndata: x\n\n", &[event("b", "x")]),
        ("event: a\nevent\ndata: x\n\n", &[event("message", "x")]),
        ("event: control\n\ndata: x\n\n", &[event("message", "x")]),
        (
            "event: data\ndata: x\n\ndata: y\n\n",
            &[event("data", "x"), event("message", "y")],
        ),
        ("\n\n\n\ndata: x\n\n\n\n", &[event("message", "x")]),
        ("\u{FEFF}data: x\n\n", &[event("message", "x")]),
        ("\u{FEFF}\u{FEFF}data: x\n\n", &[]),
        ("\u{FEFF}\ndata: x\n\n", &[event("message", "x")]),
        ("\n\u{FEFF}data: x\n\n", &[]),
        ("", &[]),
    ];
    for (body, meant) in table {
        let body = body.as_bytes();
        assert_eq!(&parse(&[body]), meant, "{body:?}");
        for at in 0..=body.len() {
            assert_eq!(
                &parse(&[&body[..at], &body[at..]]),
                meant,
                "{body:?} cut at {at}"
            );
        }
        assert_eq!(&parse(&bytes_of(body)), meant, "{body:?} in bytes");
        assert_eq!(&reference(body), meant, "{body:?} by the reference");
    }
}

#[test]
fn b5_an_unfinished_event_is_not_given() {
    for body in [
        "data: x",
        "data: x\n",
        "data: x\r",
        "data: x\r\n",
        "data: x\n:",
        "event: control\ndata: {}\r\n",
    ] {
        assert_eq!(parse(&[body.as_bytes()]), []);
        assert_eq!(parse(&bytes_of(body.as_bytes())), []);
    }
}

#[test]
fn b7_too_large() {
    let big = "x".repeat(200);
    let too_large = Err(SseError::EventTooLarge { limit: 100 });
    let many = "data: 12345678\n".repeat(20);
    for body in [
        format!("data: {big}\n\n"),
        format!("data: {big}"),
        format!(": {big}"),
        format!("id: {big}\n\n"),
        format!("event: {big}"),
        format!("{many}\n"),
        "data\n".repeat(200),
    ] {
        let ok = "data: ok\n\n";
        let body = format!("{ok}{body}");
        assert_eq!(
            parse_within(100, &[body.as_bytes()]),
            (vec![event("message", "ok")], too_large.clone())
        );
        assert_eq!(
            parse_within(100, &bytes_of(body.as_bytes())),
            (vec![event("message", "ok")], too_large.clone())
        );
    }
    let mut parser = SseParser::new(3);
    parser.push(Bytes::from_static(b"data: x"));
    assert!(parser.next_event().is_err());
    parser.push(Bytes::from_static(b"\n\ndata: y\n\n"));
    assert_eq!(
        parser.next_event(),
        Err(SseError::EventTooLarge { limit: 3 })
    );
}

#[test]
fn b7_the_limit_is_per_event() {
    let body = format!(
        "{}data: {}\n\n",
        ": keep-alive\n".repeat(1000),
        "x".repeat(94)
    )
    .repeat(3);
    let (events, result) = parse_within(100, &[body.as_bytes()]);
    assert_eq!((events.len(), result), (3, Ok(())));
}

#[test]
fn b7_one_line_in_one_chunk_is_not_copied() {
    let chunk = Bytes::from(b"event: other\ndata: first\n\ndata:second\r\n\r\ndata: cut".to_vec());
    let range = chunk.as_ptr_range();
    let mut parser = SseParser::new(100);
    parser.push(chunk.clone());
    for (at, data) in [(19, "first"), (31, "second")] {
        let event = parser.next_event().unwrap().unwrap();
        assert_eq!(event.data, data);
        assert_eq!(event.data.as_ptr(), chunk[at..].as_ptr());
        assert!(range.contains(&event.data.as_ptr()));
    }
    assert_eq!(parser.next_event(), Ok(None));
    assert!(chunk.is_unique(), "a chunk that was read is let go");
}

#[test]
fn b8_base64() {
    let table: &[(&str, &[u8])] = &[
        ("", b""),
        ("\r\n", b""),
        ("aGk=", b"hi"),
        ("aG\nk\r=\n", b"hi"),
        ("aGVq\n", b"hej"),
        ("+/+/", b"\xFB\xFF\xBF"),
    ];
    for (text, data) in table {
        assert_eq!(
            &decode_base64(text.as_bytes()).unwrap()[..],
            *data,
            "{text:?}"
        );
    }
    for text in [
        "a", "aG", "aGk", "aGk =", " aGk=", "aGk=\t", "-_-_", "aGk=aGk=", "aGl=", "====", "aG==k",
        "hello!", "\u{e9}",
    ] {
        assert!(decode_base64(text.as_bytes()).is_err(), "{text:?}");
    }
}
