//! A message's bytes, and what each of them means.
//!
//! The ranges and values are the client's own decoder's (its recording form); only the nesting is worked out here,
//! from the fields' paths.

use bytes::Bytes;
use client_core::protocol::{Span, SpanKind};
use simulator::event::{Event, Kind};
use simulator::view::wire::{Wire, wire};
use std::ops::Range;
use std::rc::Rc;

/// One line of the tree of fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name within its holder: `error_code`, `partitions[2]`.
    pub label: Rc<str>,
    /// Its whole path: `topics[0].partitions[2].error_code`.
    pub path: Rc<str>,
    /// How deep it is nested, from 0.
    pub depth: usize,
    /// Its bytes.
    pub range: Range<usize>,
    /// What the bytes encode; `None` for a line that only holds others.
    pub kind: Option<SpanKind>,
    /// Its value as text.
    pub value: Rc<str>,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is: `Metadata v12 request #3`.
    pub title: Rc<str>,
    /// All its bytes, the size field included.
    pub bytes: Bytes,
    /// Its fields in the order of the bytes; holders come before what they hold.
    pub fields: Rc<[Field]>,
    /// Why the bytes could not be read to the end.
    pub problem: Option<Rc<str>>,
}

impl Frame {
    /// Whether the event carries a whole message.
    #[must_use]
    pub const fn is_carried_by(event: &Event) -> bool {
        matches!(event.kind, Kind::Request { .. } | Kind::Reply { .. } | Kind::Response { .. })
            && event.payload.is_some()
    }

    /// The message that an event carries, if it carries a whole one.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        let Wire { title, bytes, spans } = wire(event)?;
        Some(Self {
            title: title.into(),
            fields: tree(&spans.spans).into(),
            problem: spans.error.map(|error| error.to_string().into()),
            bytes,
        })
    }

    /// The innermost field that covers a byte.
    #[must_use]
    pub fn field_at(&self, byte: usize) -> Option<usize> {
        self.fields.iter().position(|field| field.kind.is_some() && field.range.contains(&byte))
    }
}

/// The tree of fields out of the flat list which the decoder gives.
fn tree(spans: &[Span]) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    // The holders which are open, from the outermost in: end of their path, and their line.
    let mut open: Vec<(String, usize)> = Vec::new();
    for span in spans {
        let parts = split(span);
        let (name, holders) = parts.split_last().map_or(("bytes", &[][..]), |(name, rest)| (*name, rest));
        let mut shared = 0;
        while shared < holders.len() && open.get(shared).is_some_and(|(part, _)| part == holders[shared]) {
            shared += 1;
        }
        open.truncate(shared);
        for (depth, part) in holders.iter().enumerate().skip(shared) {
            open.push(((*part).to_owned(), fields.len()));
            fields.push(Field {
                label: (*part).into(),
                path: holders[..=depth].join(".").into(),
                depth,
                range: span.range.clone(),
                kind: None,
                value: "".into(),
            });
        }
        for (_, line) in &open {
            fields[*line].range.end = span.range.end;
        }
        fields.push(Field {
            label: name.into(),
            path: span.path.as_str().into(),
            depth: holders.len(),
            range: span.range.clone(),
            kind: Some(span.kind),
            value: span.value.as_str().into(),
        });
    }
    fields
}

/// `topics[0].name` as `topics[0]` and `name`. A length or a count stays with the name of what it measures.
fn split(span: &Span) -> Vec<&str> {
    let path = span.path.as_str();
    let measured = match span.kind {
        SpanKind::Length | SpanKind::Count | SpanKind::TagCount | SpanKind::Tag | SpanKind::TagSize => {
            path.rfind('.').and_then(|dot| path[..dot].rfind('.').map(|dot| dot + 1).or(Some(0)))
        }
        SpanKind::Size
        | SpanKind::Bool
        | SpanKind::Int8
        | SpanKind::Int16
        | SpanKind::Int32
        | SpanKind::Int64
        | SpanKind::Varint
        | SpanKind::Uint32
        | SpanKind::Uuid
        | SpanKind::String
        | SpanKind::Bytes
        | SpanKind::Records
        | SpanKind::UnknownTaggedField
        | SpanKind::Undecoded => None,
    };
    let (holders, name) = match measured {
        Some(start) => path.split_at(start),
        None => path.rfind('.').map_or(("", path), |dot| path.split_at(dot + 1)),
    };
    holders.split('.').chain([name]).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use client_core::protocol::{ApiKey, MetadataResponse, MetadataResponseTopic, Response, SizePrefix};

    fn metadata() -> Vec<Field> {
        let topic = |name: &str| MetadataResponseTopic { name: Some(name.into()), ..Default::default() };
        let response =
            MetadataResponse { topics: vec![topic("orders"), topic("bills")], ..Default::default() };
        let frame = Response::from(response).encode(12, 5).expect("it can be encoded").to_bytes();
        let spans = Response::spans(ApiKey::Metadata, 12, frame, SizePrefix::Included);
        assert_eq!(spans.error, None);
        tree(&spans.spans)
    }

    #[test]
    fn holders_cover_what_they_hold_and_nothing_else() {
        let fields = metadata();
        for (place, holder) in fields.iter().enumerate().filter(|(_, field)| field.kind.is_none()) {
            let held: Vec<&Field> =
                fields[place + 1..].iter().take_while(|field| field.depth > holder.depth).collect();
            assert!(!held.is_empty(), "{} holds nothing", holder.path);
            assert_eq!(held.first().map(|field| field.range.start), Some(holder.range.start));
            assert_eq!(held.last().map(|field| field.range.end), Some(holder.range.end));
        }
        let holders: Vec<&str> =
            fields.iter().filter(|field| field.kind.is_none()).map(|field| &*field.path).collect();
        assert!(holders.contains(&"topics[0]") && holders.contains(&"topics[1]"), "{holders:?}");
    }

    #[test]
    fn leaves_tile_the_frame() {
        let mut position = 0;
        for field in metadata().iter().filter(|field| field.kind.is_some()) {
            assert_eq!(field.range.start, position, "{}", field.path);
            position = field.range.end;
        }
    }

    #[test]
    fn a_byte_finds_its_field() {
        let fields = metadata();
        let name = fields.iter().find(|field| &*field.path == "topics[0].name").expect("it has a name");
        let frame =
            Frame { title: "".into(), bytes: Bytes::new(), fields: fields.clone().into(), problem: None };
        let found = frame.field_at(name.range.start).map(|place| &frame.fields[place]);
        assert_eq!(found, Some(name));
        assert_eq!(frame.field_at(1_000_000), None);
    }
}
