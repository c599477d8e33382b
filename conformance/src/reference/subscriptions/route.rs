//! Where a request to the control interface goes (§6).

use percent_encoding::percent_decode_str;

/// The segment that is kept for the control interface.
const RESERVED: &str = "__ds";

/// Splits a path at its first reserved segment: before it the root of streams, behind it what is asked for. The model does
/// not know where it is mounted, so whatever stands before the segment is the root.
pub(in crate::reference) fn reserved(path: &str) -> Option<(&str, &str)> {
    let mut start = 0;
    for segment in path.split('/') {
        let end = start + segment.len();
        if segment == RESERVED {
            let root = path[..start].trim_end_matches('/');
            return Some((root, path[end..].trim_start_matches('/')));
        }
        start = end + 1;
    }
    None
}

/// What a request is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Resource {
    /// The keys that webhooks are signed with.
    Keys,
    /// Something of the subscription of this id.
    Of(String, Part),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    Itself,
    Streams,
    /// The link to a stream, by the path below the root.
    Stream(String),
    Callback,
    Claim,
    Ack,
    Release,
}

impl Resource {
    /// What stands behind the reserved segment.
    pub(super) fn parse(rest: &str) -> Option<Self> {
        if rest == "jwks.json" {
            return Some(Self::Keys);
        }
        let rest = rest.strip_prefix("subscriptions/")?;
        let (id, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let id = decoded(id)?;
        let part = match rest.split_once('/') {
            Some(("streams", path)) => Part::Stream(decoded(path)?),
            Some(_) => return None,
            None => match rest {
                "" => Part::Itself,
                "streams" => Part::Streams,
                "callback" => Part::Callback,
                "claim" => Part::Claim,
                "ack" => Part::Ack,
                "release" => Part::Release,
                _ => return None,
            },
        };
        Some(Self::Of(id, part))
    }
}

fn decoded(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    (!text.is_empty()).then(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_what_stands_before_the_first_reserved_segment() {
        assert_eq!(reserved("/v1/stream/a"), None);
        assert_eq!(reserved("/v1/__dsx"), None);
        assert_eq!(
            reserved("/v1/stream/__ds/jwks.json"),
            Some(("/v1/stream", "jwks.json"))
        );
        assert_eq!(reserved("/__ds"), Some(("", "")));
        assert_eq!(reserved("/a/__ds/b/__ds/c"), Some(("/a", "b/__ds/c")));
    }

    #[test]
    fn ids_and_paths_are_decoded_once() {
        let of = |part| Some(Resource::Of("a b".to_owned(), part));
        let parse = |rest: &str| Resource::parse(&format!("subscriptions/a%20b{rest}"));
        assert_eq!(parse(""), of(Part::Itself));
        assert_eq!(parse("/streams"), of(Part::Streams));
        assert_eq!(
            parse("/streams/x%2Fy%2520z"),
            of(Part::Stream("x/y%20z".to_owned()))
        );
        assert_eq!(parse("/ack"), of(Part::Ack));
        assert_eq!(parse("/ack/x"), None);
        assert_eq!(Resource::parse("subscriptions/"), None);
        assert_eq!(Resource::parse(""), None);
    }
}
