//! Content types, compared the way the protocol compares them: case-insensitively and without parameters.

/// The type and subtype of a content type, without parameters and surrounding space.
pub fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// Whether two content types name the same type; parameters and case do not count.
pub fn same(a: &str, b: &str) -> bool {
    essence(a).eq_ignore_ascii_case(essence(b))
}

/// How the contents of a stream are read, decided by its content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `application/json`: reads return one array of messages (§9.1).
    Json,
    /// `text/*`: bytes that travel over SSE as they are.
    Text,
    /// Anything else: bytes that travel over SSE as base64.
    Binary,
}

impl Format {
    /// The format of a stream with this content type.
    pub fn of(content_type: &str) -> Self {
        let essence = essence(content_type);
        if essence.eq_ignore_ascii_case("application/json") {
            Self::Json
        } else if essence
            .get(..5)
            .is_some_and(|prefix| prefix.eq_ignore_ascii_case("text/"))
        {
            Self::Text
        } else {
            Self::Binary
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b30_types_compare_without_case_and_parameters() {
        assert!(same("application/json", "Application/JSON; charset=utf-8"));
        assert!(same(" text/plain ;a=b", "text/plain"));
        assert!(!same("application/json", "application/jsonl"));
        assert_eq!(Format::of("application/JSON;x=1"), Format::Json);
        assert_eq!(Format::of("TEXT/Plain"), Format::Text);
        assert_eq!(Format::of("application/octet-stream"), Format::Binary);
        assert_eq!(Format::of("texté"), Format::Binary);
    }
}
