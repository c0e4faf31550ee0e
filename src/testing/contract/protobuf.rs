//! Reads OTLP's traces: Protocol Buffers as the JSON value that says the same, with attributes as one object.

use serde_json::{Map, Number, Value};

use super::violation::Violation;

/// What a field holds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    /// Bytes, as hexadecimal digits.
    Id,
    Varint,
    Fixed64,
    Fixed32,
    Message(&'static [Row]),
    /// One of the members of an object.
    Attribute,
}

/// A field's number, its name, what it holds, and whether there may be several.
type Row = (u64, &'static str, Kind, bool);

const BODY: &[Row] = &[(1, "resourceSpans", Kind::Message(RESOURCE_SPANS), true)];

const RESOURCE_SPANS: &[Row] = &[
    (1, "resource", Kind::Message(RESOURCE), false),
    (2, "scopeSpans", Kind::Message(SCOPE_SPANS), true),
];

const RESOURCE: &[Row] = &[(1, "attributes", Kind::Attribute, true)];

const SCOPE_SPANS: &[Row] = &[
    (1, "scope", Kind::Message(SCOPE), false),
    (2, "spans", Kind::Message(SPAN), true),
];

const SCOPE: &[Row] = &[
    (1, "name", Kind::Text, false),
    (2, "version", Kind::Text, false),
];

const SPAN: &[Row] = &[
    (1, "traceId", Kind::Id, false),
    (2, "spanId", Kind::Id, false),
    (3, "traceState", Kind::Text, false),
    (4, "parentSpanId", Kind::Id, false),
    (5, "name", Kind::Text, false),
    (6, "kind", Kind::Varint, false),
    (7, "startTimeUnixNano", Kind::Fixed64, false),
    (8, "endTimeUnixNano", Kind::Fixed64, false),
    (9, "attributes", Kind::Attribute, true),
    (11, "events", Kind::Message(EVENT), true),
    (13, "links", Kind::Message(LINK), true),
    (15, "status", Kind::Message(STATUS), false),
    (16, "flags", Kind::Fixed32, false),
];

const EVENT: &[Row] = &[
    (1, "timeUnixNano", Kind::Fixed64, false),
    (2, "name", Kind::Text, false),
    (3, "attributes", Kind::Attribute, true),
];

const LINK: &[Row] = &[
    (1, "traceId", Kind::Id, false),
    (2, "spanId", Kind::Id, false),
    (3, "traceState", Kind::Text, false),
    (6, "flags", Kind::Fixed32, false),
];

const STATUS: &[Row] = &[
    (2, "message", Kind::Text, false),
    (3, "code", Kind::Varint, false),
];

type Read<T> = Result<T, Violation>;

/// Reads a body.
pub(in crate::testing) fn parse(body: &[u8]) -> Read<Value> {
    message(body, "body", BODY).map(Value::Object)
}

fn fault(path: &str, reason: impl Into<String>) -> Violation {
    Violation::new(path, reason.into())
}

fn message(bytes: &[u8], path: &str, rows: &[Row]) -> Read<Map<String, Value>> {
    let mut members = Map::new();
    let mut reader = Reader { bytes, path };
    while !reader.bytes.is_empty() {
        let (number, field) = reader.field()?;
        let row = rows.iter().find(|(known, ..)| *known == number);
        let &(_, name, kind, is_repeated) =
            row.ok_or_else(|| fault(path, format!("has a field {number}, which is not known")))?;
        let path = match path {
            "body" => name.to_owned(),
            path => format!("{path}.{name}"),
        };
        let is_given = members.contains_key(name);
        if is_given && !is_repeated {
            return Err(fault(&path, "is given twice"));
        }
        if let Kind::Attribute = kind {
            let attributes = members
                .entry(name)
                .or_insert_with(|| Value::Object(Map::new()));
            add_attribute(field.bytes(&path)?, &path, attributes)?;
            continue;
        }
        if !is_repeated {
            let value = value(&field, &path, kind)?;
            members.insert(name.to_owned(), value);
            continue;
        }
        let items = members
            .entry(name)
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(items) = items {
            let path = format!("{path}[{}]", items.len());
            items.push(value(&field, &path, kind)?);
        }
    }
    Ok(members)
}

fn value(field: &Wire<'_>, path: &str, kind: Kind) -> Read<Value> {
    let other = || fault(path, "is encoded as another kind of field");
    Ok(match (kind, field) {
        (Kind::Text, Wire::Bytes(bytes)) => text(bytes, path)?,
        (Kind::Id, Wire::Bytes(bytes)) => {
            Value::String(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
        }
        (Kind::Varint, Wire::Varint(number)) | (Kind::Fixed64, Wire::Fixed64(number)) => {
            Value::from(*number)
        }
        (Kind::Fixed32, Wire::Fixed32(number)) => Value::from(*number),
        (Kind::Message(rows), Wire::Bytes(bytes)) => Value::Object(message(bytes, path, rows)?),
        _ => return Err(other()),
    })
}

fn text(bytes: &[u8], path: &str) -> Read<Value> {
    let text = str::from_utf8(bytes).map_err(|_| fault(path, "is not UTF-8"))?;
    Ok(Value::from(text))
}

fn add_attribute(bytes: &[u8], path: &str, attributes: &mut Value) -> Read<()> {
    let mut reader = Reader { bytes, path };
    let (mut name, mut value) = (None, None);
    while !reader.bytes.is_empty() {
        match reader.field()? {
            (1, Wire::Bytes(key)) if name.is_none() => name = Some(text(key, path)?),
            (2, Wire::Bytes(any)) if value.is_none() => value = Some(any_value(any, path)?),
            (number, _) => {
                let reason = format!("has an attribute with a field {number} that it may not have");
                return Err(fault(path, reason));
            }
        }
    }
    let (Some(Value::String(name)), Some(value), Value::Object(attributes)) =
        (name, value, attributes)
    else {
        return Err(fault(path, "has an attribute without a name or a value"));
    };
    if attributes.insert(name.clone(), value).is_some() {
        return Err(fault(path, format!("has the attribute {name} twice")));
    }
    Ok(())
}

fn any_value(bytes: &[u8], path: &str) -> Read<Value> {
    let mut reader = Reader { bytes, path };
    let field = reader.field()?;
    if !reader.bytes.is_empty() {
        return Err(fault(path, "has an attribute of several values"));
    }
    Ok(match field {
        (1, Wire::Bytes(bytes)) => text(bytes, path)?,
        (2, Wire::Varint(flag @ 0..=1)) => Value::Bool(flag == 1),
        (3, Wire::Varint(integer)) => Value::from(integer as i64),
        (4, Wire::Fixed64(bits)) => {
            let number = Number::from_f64(f64::from_bits(bits));
            Value::Number(number.ok_or_else(|| fault(path, "holds NaN or an infinity"))?)
        }
        (5, Wire::Bytes(list)) => {
            let mut reader = Reader { bytes: list, path };
            let mut items = Vec::new();
            while !reader.bytes.is_empty() {
                let (1, Wire::Bytes(item)) = reader.field()? else {
                    return Err(fault(path, "holds a list with an item that is not a value"));
                };
                items.push(any_value(item, path)?);
            }
            Value::Array(items)
        }
        (number, _) => {
            let reason = format!("has an attribute with a value of the kind {number}");
            return Err(fault(path, reason));
        }
    })
}

/// A field's value as it is encoded.
enum Wire<'b> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'b [u8]),
}

impl<'b> Wire<'b> {
    fn bytes(&self, path: &str) -> Read<&'b [u8]> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(fault(path, "is encoded as another kind of field")),
        }
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    path: &'b str,
}

impl<'b> Reader<'b> {
    fn take<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (taken, rest) = self
            .bytes
            .split_first_chunk()
            .ok_or_else(|| self.too_short())?;
        self.bytes = rest;
        Ok(*taken)
    }

    fn too_short(&self) -> Violation {
        fault(self.path, "ends in the middle of a field")
    }

    fn varint(&mut self) -> Read<u64> {
        let mut value = 0_u64;
        for place in 0..10 {
            let [byte] = self.take()?;
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(fault(self.path, "has a number of more than ten bytes"))
    }

    fn field(&mut self) -> Read<(u64, Wire<'b>)> {
        let tag = self.varint()?;
        let wire = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.take()?)),
            2 => {
                let length = self.varint()? as usize;
                let taken = self.bytes.split_at_checked(length);
                let (taken, rest) = taken.ok_or_else(|| self.too_short())?;
                self.bytes = rest;
                Wire::Bytes(taken)
            }
            5 => Wire::Fixed32(u32::from_le_bytes(self.take()?)),
            other => return Err(fault(self.path, format!("has a field of the kind {other}"))),
        };
        Ok((tag >> 3, wire))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reason(body: &[u8]) -> String {
        parse(body).unwrap_err().to_string()
    }

    #[test]
    fn a_body_is_read_by_its_fields() {
        // A resource with the attribute a = "b", and a span with a name.
        let body = b"\x0a\x16\x0a\x0a\x0a\x08\x0a\x01a\x12\x03\x0a\x01b\x12\x08\x12\x06\x2a\x01n\x30\x96\x01";
        let span = json!({"name": "n", "kind": 150});
        assert_eq!(
            parse(body).unwrap(),
            json!({"resourceSpans": [{
                "resource": {"attributes": {"a": "b"}},
                "scopeSpans": [{"spans": [span]}],
            }]})
        );
        assert_eq!(parse(b"").unwrap(), json!({}));
    }

    #[test]
    fn what_is_no_body_is_refused_with_its_place() {
        for (body, wanted) in [
            (&b"\x0a\x05\x0a"[..], "body: ends in the middle of a field"),
            (b"\x12\x00", "body: has a field 2, which is not known"),
            (
                b"\x08\x01",
                "resourceSpans[0]: is encoded as another kind of field",
            ),
            (
                b"\x0a\x04\x0a\x00\x0a\x00",
                "resourceSpans[0].resource: is given twice",
            ),
            (
                b"\x0a\x04\x0a\x02\x0a\x00",
                "resourceSpans[0].resource.attributes: has an attribute without a name or a value",
            ),
            (b"\x0b", "body: has a field of the kind 3"),
            (b"\xff", "body: ends in the middle of a field"),
            (&[0xff; 11], "body: has a number of more than ten bytes"),
        ] {
            assert_eq!(reason(body), wanted);
        }
        let twice = b"\x0a\x18\x0a\x16\x0a\x09\x0a\x01a\x12\x04\x0a\x02bb\x0a\x09\x0a\x01a\x12\x04\x0a\x02bb";
        assert!(
            reason(twice).ends_with("has the attribute a twice"),
            "{}",
            reason(twice)
        );
    }
}
