//! Patterns of stream paths (§6.2): `*` is one segment, `**` any number of them, none included.

/// Whether a path matches. Every other segment stands for itself; `%2A` is an asterisk that does.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<_> = pattern.split('/').collect();
    let path: Vec<_> = path.split('/').collect();
    // Whether what was seen of the pattern matches so many segments of the path.
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    for part in pattern {
        let before = reached.clone();
        for count in 0..reached.len() {
            reached[count] = match part {
                "**" => before[..=count].contains(&true),
                _ => count > 0 && before[count - 1] && fits(part, path[count - 1]),
            };
        }
    }
    reached[path.len()]
}

fn fits(part: &str, segment: &str) -> bool {
    part == "*" || part.replace("%2A", "*") == segment.replace("%2A", "*")
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn an_asterisk_is_one_segment_and_two_are_any_number() {
        for (pattern, path, fits) in [
            ("a", "a", true),
            ("a", "b", false),
            ("*", "a", true),
            ("*", "a/b", false),
            ("a/*", "a", false),
            ("a/*", "a/b", true),
            ("a/*", "a/b/c", false),
            ("a/*/c", "a/b/c", true),
            ("**", "a", true),
            ("**", "a/b/c", true),
            ("a/**", "a", true),
            ("a/**", "a/b/c", true),
            ("a/**", "b/a", false),
            ("**/c", "c", true),
            ("**/c", "a/b/c", true),
            ("**/c", "a/c/b", false),
            ("a/**/c", "a/c", true),
            ("a/**/c/*", "a/c/c/c/d", true),
            ("a*", "ab", false),
            ("a/%2A", "a/b", false),
            ("a/%2A", "a/*", true),
        ] {
            assert_eq!(matches(pattern, path), fits, "{pattern} {path}");
        }
    }

    #[test]
    fn many_asterisks_take_no_longer() {
        let pattern = vec!["**"; 200].join("/") + "/x";
        let path = vec!["a"; 200].join("/");
        assert!(!matches(&pattern, &path));
    }
}
