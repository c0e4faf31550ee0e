//! The outline of a JSON text that is too large to be kept: methods, names, ids and how a call ended, without content.

/// How much of a string is kept, in bytes.
const MAX_TEXT_BYTES: usize = 1_024;

/// How much more, to keep its last character whole: the digits of `\uXXXX`, or the bytes that follow a character's first.
const MAX_MORE_BYTES: usize = 4;

/// How large an outline may be, in bytes: a list of calls has one of some hundred bytes for each.
const MAX_OUTLINE_BYTES: usize = 16 * 1024;

/// Members of parameters of which more than the name is kept: they say who the client is.
const KEPT: [&[u8]; 2] = [b"\"_meta\"", b"\"clientInfo\""];

/// Makes an outline of a text that comes in pieces. It is JSON where the text is: null stands in place of each list and
/// object further within than the parameters, the result or the error of a message, and long strings are cut.
#[derive(Debug, Default)]
pub(super) struct Outline {
    json: Vec<u8>,
    /// It is larger than it may be, and not kept.
    is_over: bool,
    /// How many lists and objects that are kept are open.
    depth: usize,
    /// The text is a list of messages.
    is_list: bool,
    /// How many lists and objects are open that are passed over.
    passed_over: usize,
    string: Option<StringUnderWay>,
    /// Where the last string begins.
    last_string: usize,
    /// The member under way is one of [`KEPT`].
    is_kept_member: bool,
}

#[derive(Debug, Default)]
struct StringUnderWay {
    after_backslash: bool,
    /// How many digits of an escape are to come.
    digits: u8,
    bytes: usize,
    is_cut: bool,
}

impl Outline {
    pub(super) fn push(&mut self, text: &[u8]) {
        for &byte in text {
            match self.string.take() {
                Some(string) => self.string = self.in_string(string, byte),
                None => self.between_strings(byte),
            }
        }
    }

    /// Returns the outline; `None` when it is too large.
    pub(super) fn end(self) -> Option<Vec<u8>> {
        (!self.is_over).then_some(self.json)
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.passed_over > 0 || self.is_over {
            return;
        }
        if self.json.len() + bytes.len() > MAX_OUTLINE_BYTES {
            self.is_over = true;
            self.json = Vec::new();
        } else {
            self.json.extend_from_slice(bytes);
        }
    }

    fn in_string(&mut self, mut string: StringUnderWay, byte: u8) -> Option<StringUnderWay> {
        if std::mem::take(&mut string.after_backslash) {
            // An escape is kept whole, as is a character.
            string.digits = if byte == b'u' { 4 } else { 0 };
            if !string.is_cut {
                self.keep(&[byte]);
            }
            return Some(string);
        }
        if byte == b'"' {
            self.keep(b"\"");
            return None;
        }
        string.after_backslash = byte == b'\\';
        string.bytes += 1;
        let is_inner = string.digits > 0 || (0x80..0xC0).contains(&byte);
        string.digits = string.digits.saturating_sub(1);
        let more = if is_inner { MAX_MORE_BYTES } else { 0 };
        string.is_cut |= string.bytes > MAX_TEXT_BYTES + more;
        if !string.is_cut {
            self.keep(&[byte]);
        }
        Some(string)
    }

    fn between_strings(&mut self, byte: u8) {
        match byte {
            b'"' => {
                self.last_string = self.json.len();
                self.keep(b"\"");
                self.string = Some(StringUnderWay::default());
            }
            b'{' | b'[' if self.passed_over > 0 => self.passed_over += 1,
            b'{' | b'[' if self.keeps(byte) => {
                self.depth += 1;
                self.keep(&[byte]);
            }
            b'{' | b'[' => {
                self.keep(b"null");
                self.passed_over = 1;
            }
            b'}' | b']' if self.passed_over > 0 => self.passed_over -= 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                self.keep(&[byte]);
            }
            b':' if self.passed_over == 0 => {
                let name = self.json.get(self.last_string..).unwrap_or_default();
                self.is_kept_member = KEPT.contains(&name.trim_ascii_end());
                self.keep(b":");
            }
            // One blank keeps words apart as well as many.
            blank if blank.is_ascii_whitespace() => {
                if self.json.last() != Some(&b' ') {
                    self.keep(b" ");
                }
            }
            other => self.keep(&[other]),
        }
    }

    /// Whether the list or object that begins now is kept.
    fn keeps(&mut self, byte: u8) -> bool {
        if self.depth == 0 {
            self.is_list = byte == b'[';
            return true;
        }
        match self.depth - usize::from(self.is_list) {
            0 => byte == b'{',
            // Parameters, a result or an error.
            1 => true,
            2 => self.is_kept_member,
            // The client's name and version in `_meta`.
            3 => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::mcp::message::{self, MessageId, Messages, RpcResponse, text as text_of};
    use crate::mcp::request::RequestMeta;

    fn outline(text: &[u8], piece: usize) -> Option<String> {
        let mut outline = Outline::default();
        text.chunks(piece).for_each(|piece| outline.push(piece));
        String::from_utf8(outline.end()?).ok()
    }

    #[test]
    fn names_ids_and_ends_are_kept_wherever_they_stand() {
        for (text, expected) in [
            (
                r#"{"method":"tools/call","params":{"arguments":{"a":[{"}":"]\""}]},"name":"t"},"id":7}"#,
                r#"{"method":"tools/call","params":{"arguments":null,"name":"t"},"id":7}"#,
            ),
            (
                r#"{"id":"a","params":{"_meta":{"io/clientInfo":{"name":"c","more":{"a":1}},"t":"x"},"clientInfo":{"name":"n"}}}"#,
                r#"{"id":"a","params":{"_meta":{"io/clientInfo":{"name":"c","more":null},"t":"x"},"clientInfo":{"name":"n"}}}"#,
            ),
            (
                r#"{"id":1,"result":{"content":[{"type":"text","text":"no"}],"structuredContent":{},"isError":true}}"#,
                r#"{"id":1,"result":{"content":null,"structuredContent":null,"isError":true}}"#,
            ),
            (
                r#"[{"id":1,"error":{"code":-1,"data":[[]]}},[1],{"id":2,"result":{"_meta":{}}}]"#,
                r#"[{"id":1,"error":{"code":-1,"data":null}},null,{"id":2,"result":{"_meta":{}}}]"#,
            ),
            ("{\"id\" : 1 }\r\n\r\n{\"id\":2}", r#"{"id" : 1 } {"id":2}"#),
            ("1  2", "1 2"),
        ] {
            for piece in 1..text.len() {
                assert_eq!(outline(text.as_bytes(), piece).unwrap(), expected);
            }
        }
    }

    #[test]
    fn a_long_string_is_cut_between_characters_and_escapes() {
        for character in ["x", "\u{e9}", "\u{1f600}", "\\\"", "\\\\", "\\u00e9"] {
            for before in ["", "a", "aa", "aaa", "aaaa"] {
                let string = format!("\"{before}{}\"", character.repeat(5_000));
                let outline = outline(string.as_bytes(), 7).unwrap();
                assert!(outline.len() <= 2 * MAX_TEXT_BYTES + 3, "{character}");
                assert!(outline.len() > MAX_TEXT_BYTES, "{character}");
                serde_json::from_str::<String>(&outline).unwrap();
            }
        }
        // What is no text is cut as well.
        for (bytes, most) in [(&b"\x80"[..], 1), (b"\\u", 2)] {
            let string = [b"\"", &*bytes.repeat(20_000), b"\""].concat();
            let mut outline = Outline::default();
            outline.push(&string);
            let kept = outline.end().unwrap();
            assert!(kept.len() <= most * (MAX_TEXT_BYTES + MAX_MORE_BYTES) + 2);
        }
    }

    #[test]
    fn an_outline_that_is_too_large_is_none() {
        let members: Vec<_> = (0..10_000).map(|n| format!("\"{n}\":1")).collect();
        let text = format!("{{{}}}", members.join(","));
        assert_eq!(outline(text.as_bytes(), 100), None);
        let within = format!("{{\"params\":{{\"arguments\":{text},\"name\":\"t\"}}}}");
        let outline = outline(within.as_bytes(), 100).unwrap();
        assert_eq!(outline, r#"{"params":{"arguments":null,"name":"t"}}"#);
    }

    const CLIENT: &str = "io.modelcontextprotocol/clientInfo";

    /// JSON whose members are those that are looked for, wherever they stand and as often as they come.
    fn texts() -> impl Strategy<Value = String> {
        const NAMES: [&str; 12] = [
            "id",
            "method",
            "params",
            "result",
            "error",
            "name",
            "code",
            "message",
            "isError",
            "resultType",
            "_meta",
            CLIENT,
        ];
        const WORDS: [&str; 8] = [
            "1",
            "-1.50",
            "true",
            "null",
            r#""a""#,
            r#""}\\""#,
            r#""\u0041 {\"[""#,
            r#""input_required""#,
        ];
        let word = proptest::sample::select(&WORDS[..]).prop_map(str::to_owned);
        word.prop_recursive(6, 60, 8, |value| {
            let name = proptest::sample::select(&NAMES[..]);
            let member =
                (name, value.clone()).prop_map(|(name, value)| format!("{name:?} :{value}"));
            let object = proptest::collection::vec(member, 0..8);
            let list = proptest::collection::vec(value, 0..4);
            prop_oneof![
                4 => object.prop_map(|members| format!("{{{}}}", members.join(",\n "))),
                1 => list.prop_map(|items| format!("[{}]", items.join(", "))),
            ]
        })
    }

    /// What is looked for in a text.
    fn said(text: &str) -> Vec<String> {
        let Messages { read, unread } = Messages::read(text.as_bytes());
        assert_eq!(unread, 0, "{text}");
        let said = read.iter().map(|message| {
            let params = &message["params"];
            let meta = RequestMeta::read(params["_meta"].as_object());
            let end = RpcResponse::read(message).map(|answer| match answer {
                RpcResponse::Result(result) => format!("{:?}", message::outcome(result)),
                RpcResponse::Error { code, message } => format!("{code} {message}"),
            });
            let id = MessageId::of(message);
            let names = ["name", "resultType"].map(|name| text_of(params, name));
            format!(
                "{id:?} {:?} {names:?} {:?} {end:?}",
                message["method"].as_str(),
                meta.client
            )
        });
        said.collect()
    }

    proptest! {
        #[test]
        fn what_is_looked_for_is_the_same_in_the_outline(
            one in texts(), other in texts(), piece in 1..50_usize,
        ) {
            let params = format!(r#"{{"a":{other},"_meta" : {{"{CLIENT}":{one},"b":{other}}},"name":"t"}}"#);
            let text = format!(r#"{{"id":1,"params":{params},"result":{one}}} {other}"#);
            let outline = outline(text.as_bytes(), piece).unwrap();
            prop_assert_eq!(said(&outline), said(&text), "{} of {}", outline, text);
        }

        #[test]
        fn what_an_outline_keeps_is_what_the_text_says(
            name in "[a-z\"\\\\\u{e9}]{0,20}", text in any::<String>(), piece in 1..50_usize,
        ) {
            let content = json!({&text: [&text, {"isError": false, "id": 0}]});
            let message = json!({
                "params": {"arguments": content, "name": name},
                "result": {"structuredContent": content, "isError": true},
                "id": name,
            });
            let outline = outline(message.to_string().as_bytes(), piece).unwrap();
            let kept: Value = serde_json::from_str(&outline).unwrap();
            prop_assert_eq!(&kept["params"]["name"], &message["params"]["name"]);
            prop_assert_eq!(&kept["result"]["isError"], true);
            prop_assert_eq!(&kept["id"], &message["id"]);
            prop_assert_eq!(&kept["params"]["arguments"], &Value::Null);
        }

        #[test]
        fn nothing_panics(bytes in "[\\[\\]{}:,\"\\\\u0-9a-fn. \u{e9}]{0,60}") {
            outline(bytes.as_bytes(), 3);
        }
    }
}
