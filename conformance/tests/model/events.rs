//! A small parser of server-sent events, written from the WHATWG text: lines, fields, dispatch at empty lines.

/// Names and data of all complete events.
pub(crate) fn parse(text: &str) -> Vec<(String, String)> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut events = Vec::new();
    let mut name = String::from("message");
    let mut data: Option<String> = None;
    let complete = text.rfind("\n\n").map_or("", |end| &text[..end + 2]);
    for line in complete.split_terminator('\n') {
        if line.is_empty() {
            if let Some(data) = data.take() {
                events.push((std::mem::replace(&mut name, "message".into()), data));
            }
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = value.into(),
            "data" => match &mut data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => data = Some(value.into()),
            },
            other => panic!("unexpected field {other:?}"),
        }
    }
    events
}

/// A member of a control event, as text.
pub(crate) fn member(control: &str, name: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(control).expect("control events are JSON");
    match value.get(name)? {
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
