//! One declaration per message: struct, defaults, encoder, decoder and spans all come from it.
//!
//! A schema reads like the message definitions of Apache Kafka:
//!
//! ```text
//! schema! {
//!     /// What the message is for.
//!     pub struct MetadataRequest {
//!         /// What the field means.
//!         topics: Option<Vec<MetadataRequestTopic>> = Some(Vec::new()) => since(0), nullable_since(1);
//!         allow_auto_topic_creation: bool = true => since(4);
//!         include_cluster_authorized_operations: bool => since(8), until(10);
//!     }
//! }
//! ```
//!
//! After the type comes the default, if it is not that of the type; after the arrow come the methods of
//! [`FieldSchema`]. Which versions exist and which are flexible is in [`api`](super::api).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use super::decoder::{DecodeProblem, Decoded, Decoder};
use super::encoder::{Encoded, Encoder};
use super::span::{Recorder, SpanKind};
use super::uuid::Uuid;

/// What a schema says about a field, besides its type and default.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FieldSchema {
    pub(crate) name: &'static str,
    since: i16,
    until: i16,
    nullable_since: i16,
    pub(crate) tag: Option<u32>,
    pub(crate) ignorable: bool,
    records: bool,
    inflexible: bool,
}

impl FieldSchema {
    pub(crate) const fn named(name: &'static str) -> Self {
        Self {
            name,
            since: 0,
            until: i16::MAX,
            nullable_since: i16::MAX,
            tag: None,
            ignorable: false,
            records: false,
            inflexible: false,
        }
    }

    /// The first version that has the field.
    pub(crate) const fn since(mut self, version: i16) -> Self {
        self.since = version;
        self
    }

    /// The last version that has the field.
    pub(crate) const fn until(mut self, version: i16) -> Self {
        self.until = version;
        self
    }

    /// The first version in which the field may be null.
    pub(crate) const fn nullable_since(mut self, version: i16) -> Self {
        self.nullable_since = version;
        self
    }

    /// The field is a tagged one: left out when it holds its default.
    pub(crate) const fn tagged(mut self, tag: u32) -> Self {
        self.tag = Some(tag);
        self
    }

    /// In a version without the field its value is dropped, where it would otherwise be an error.
    pub(crate) const fn ignorable(mut self) -> Self {
        self.ignorable = true;
        self
    }

    /// The bytes of the field are record batches.
    pub(crate) const fn records(mut self) -> Self {
        self.records = true;
        self
    }

    /// The text of the field has a two-byte length even in flexible versions.
    pub(crate) const fn inflexible(mut self) -> Self {
        self.inflexible = true;
        self
    }

    #[inline]
    pub(crate) const fn covers(&self, version: i16) -> bool {
        self.since <= version && version <= self.until
    }

    /// Whether the field is written in line, between its neighbours.
    #[inline]
    pub(crate) const fn is_plain(&self, version: i16) -> bool {
        self.tag.is_none() && self.covers(version)
    }

    /// Whether the field is the tagged one with this number.
    #[inline]
    pub(crate) const fn is_tagged(&self, tag: u32, version: i16) -> bool {
        matches!(self.tag, Some(own) if own == tag) && self.covers(version)
    }

    #[inline]
    pub(crate) const fn shape(&self, version: i16) -> Shape {
        Shape { nullable: self.nullable_since <= version, records: self.records, inflexible: self.inflexible }
    }
}

/// What a value's encoding depends on, besides its type and the version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) nullable: bool,
    pub(crate) records: bool,
    pub(crate) inflexible: bool,
}

impl Shape {
    /// The elements of arrays: never null.
    pub(crate) const ELEMENT: Self = Self { nullable: false, records: false, inflexible: false };
}

/// A type that fields of messages can have.
pub(crate) trait Wire: Sized {
    /// The least bytes a value takes: what a count of them is checked against.
    fn minimum_size(version: i16, flexible: bool) -> usize;
    fn encode(&self, encoder: &mut Encoder, shape: Shape) -> Encoded;
    fn decode<R: Recorder>(decoder: &mut Decoder<R>, shape: Shape) -> Decoded<Self>;
}

macro_rules! integers {
    ($($type:ty, $kind:ident;)*) => {$(
        impl Wire for $type {
            #[inline]
            fn minimum_size(_version: i16, _flexible: bool) -> usize {
                size_of::<Self>()
            }

            #[inline]
            fn encode(&self, encoder: &mut Encoder, _shape: Shape) -> Encoded {
                encoder.fixed(self.to_be_bytes());
                Ok(())
            }

            #[inline]
            fn decode<R: Recorder>(decoder: &mut Decoder<R>, _shape: Shape) -> Decoded<Self> {
                let start = decoder.position();
                let value = Self::from_be_bytes(decoder.fixed()?);
                decoder.record(SpanKind::$kind, "", start, || format!("{value}"));
                Ok(value)
            }
        }
    )*};
}

integers! {
    i8, Int8;
    i16, Int16;
    i32, Int32;
    i64, Int64;
}

impl Wire for bool {
    #[inline]
    fn minimum_size(_version: i16, _flexible: bool) -> usize {
        1
    }

    fn encode(&self, encoder: &mut Encoder, _shape: Shape) -> Encoded {
        encoder.fixed([u8::from(*self)]);
        Ok(())
    }

    fn decode<R: Recorder>(decoder: &mut Decoder<R>, _shape: Shape) -> Decoded<Self> {
        let start = decoder.position();
        // Any byte but zero is true, as the protocol guide says.
        let value = decoder.fixed::<1>()? != [0];
        decoder.record(SpanKind::Bool, "", start, || format!("{value}"));
        Ok(value)
    }
}

impl Wire for Uuid {
    #[inline]
    fn minimum_size(_version: i16, _flexible: bool) -> usize {
        16
    }

    fn encode(&self, encoder: &mut Encoder, _shape: Shape) -> Encoded {
        encoder.fixed(self.0);
        Ok(())
    }

    fn decode<R: Recorder>(decoder: &mut Decoder<R>, _shape: Shape) -> Decoded<Self> {
        decoder.uuid()
    }
}

impl Wire for String {
    #[inline]
    fn minimum_size(_version: i16, flexible: bool) -> usize {
        if flexible { 1 } else { 2 }
    }

    fn encode(&self, encoder: &mut Encoder, shape: Shape) -> Encoded {
        encoder.string(self, shape)
    }

    fn decode<R: Recorder>(decoder: &mut Decoder<R>, shape: Shape) -> Decoded<Self> {
        let start = decoder.position();
        decoder.optional_string(shape)?.ok_or_else(|| null_at(start))
    }
}

impl Wire for Option<String> {
    #[inline]
    fn minimum_size(version: i16, flexible: bool) -> usize {
        String::minimum_size(version, flexible)
    }

    fn encode(&self, encoder: &mut Encoder, shape: Shape) -> Encoded {
        match self {
            Some(text) => encoder.string(text, shape),
            None => encoder.null_string(shape),
        }
    }

    fn decode<R: Recorder>(decoder: &mut Decoder<R>, shape: Shape) -> Decoded<Self> {
        let start = decoder.position();
        nullable(decoder.optional_string(shape)?, shape, start)
    }
}

impl Wire for Option<Bytes> {
    #[inline]
    fn minimum_size(_version: i16, flexible: bool) -> usize {
        if flexible { 1 } else { 4 }
    }

    fn encode(&self, encoder: &mut Encoder, shape: Shape) -> Encoded {
        match self {
            Some(bytes) => encoder.bytes(bytes),
            None => encoder.null(shape),
        }
    }

    fn decode<R: Recorder>(decoder: &mut Decoder<R>, shape: Shape) -> Decoded<Self> {
        let start = decoder.position();
        nullable(decoder.optional_bytes(shape)?, shape, start)
    }
}

impl Wire for Bytes {
    #[inline]
    fn minimum_size(version: i16, flexible: bool) -> usize {
        Option::<Self>::minimum_size(version, flexible)
    }

    fn encode(&self, encoder: &mut Encoder, _shape: Shape) -> Encoded {
        encoder.bytes(self)
    }

    fn decode<R: Recorder>(decoder: &mut Decoder<R>, shape: Shape) -> Decoded<Self> {
        let start = decoder.position();
        decoder.optional_bytes(shape)?.ok_or_else(|| null_at(start))
    }
}

impl<T: Wire> Wire for Vec<T> {
    #[inline]
    fn minimum_size(_version: i16, flexible: bool) -> usize {
        if flexible { 1 } else { 4 }
    }

    fn encode(&self, encoder: &mut Encoder, _shape: Shape) -> Encoded {
        encoder.array(self)
    }

    fn decode<R: Recorder>(decoder: &mut Decoder<R>, _shape: Shape) -> Decoded<Self> {
        let start = decoder.position();
        decoder.optional_array()?.ok_or_else(|| null_at(start))
    }
}

impl<T: Wire> Wire for Option<Vec<T>> {
    #[inline]
    fn minimum_size(version: i16, flexible: bool) -> usize {
        Vec::<T>::minimum_size(version, flexible)
    }

    fn encode(&self, encoder: &mut Encoder, shape: Shape) -> Encoded {
        match self {
            Some(elements) => encoder.array(elements),
            None => encoder.null(shape),
        }
    }

    fn decode<R: Recorder>(decoder: &mut Decoder<R>, shape: Shape) -> Decoded<Self> {
        let start = decoder.position();
        nullable(decoder.optional_array()?, shape, start)
    }
}

/// Lets null through where the version allows it.
fn nullable<T>(value: Option<T>, shape: Shape, start: usize) -> Decoded<Option<T>> {
    match value {
        None if !shape.nullable => Err(null_at(start)),
        value => Ok(value),
    }
}

#[cold]
fn null_at(start: usize) -> alloc::boxed::Box<super::decoder::DecodeError> {
    super::decoder::DecodeError::new(start, DecodeProblem::UnexpectedNull)
}

/// Declares structs of the protocol; see the module's description.
macro_rules! schema {
    ($(
        $(#[$struct_attribute:meta])*
        pub struct $name:ident {$(
            $(#[$field_attribute:meta])*
            $field:ident : $type:ty $(= $default:expr)? => $($rule:ident($($argument:literal)?)),+;
        )*}
    )*) => {$(
        $(#[$struct_attribute])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {$(
            $(#[$field_attribute])*
            pub $field: $type,
        )*}

        impl Default for $name {
            fn default() -> Self {
                Self {$(
                    $field: schema!(@default $($default)?),
                )*}
            }
        }

        impl $crate::protocol::schema::Wire for $name {
            fn minimum_size(version: i16, flexible: bool) -> usize {
                let mut size = usize::from(flexible);
                $({
                    const FIELD: $crate::protocol::schema::FieldSchema = schema!(@field $field $($rule($($argument)?))+);
                    if FIELD.is_plain(version) {
                        size += <$type as $crate::protocol::schema::Wire>::minimum_size(version, flexible);
                    }
                })*
                let _ = version;
                size
            }

            fn encode(
                &self,
                encoder: &mut $crate::protocol::encoder::Encoder,
                _shape: $crate::protocol::schema::Shape,
            ) -> $crate::protocol::encoder::Encoded {
                $({
                    const FIELD: $crate::protocol::schema::FieldSchema = schema!(@field $field $($rule($($argument)?))+);
                    encoder.field(&FIELD, &self.$field, |value: &$type| {
                        let default: $type = schema!(@default $($default)?);
                        *value == default
                    })?;
                })*
                if encoder.flexible() {
                    let mut tagged = $crate::protocol::encoder::TaggedFields::new();
                    $({
                        const FIELD: $crate::protocol::schema::FieldSchema = schema!(@field $field $($rule($($argument)?))+);
                        tagged.add(encoder, &FIELD, &self.$field, |value: &$type| {
                            let default: $type = schema!(@default $($default)?);
                            *value == default
                        })?;
                    })*
                    tagged.finish(encoder);
                }
                Ok(())
            }

            fn decode<R: $crate::protocol::span::Recorder>(
                decoder: &mut $crate::protocol::decoder::Decoder<R>,
                _shape: $crate::protocol::schema::Shape,
            ) -> $crate::protocol::decoder::Decoded<Self> {
                let mut value = Self::default();
                $({
                    const FIELD: $crate::protocol::schema::FieldSchema = schema!(@field $field $($rule($($argument)?))+);
                    if FIELD.is_plain(decoder.version()) {
                        value.$field = decoder.field(&FIELD)?;
                    }
                })*
                if decoder.flexible() {
                    decoder.tagged_fields(|decoder, tag| {
                        $({
                            const FIELD: $crate::protocol::schema::FieldSchema = schema!(@field $field $($rule($($argument)?))+);
                            if FIELD.is_tagged(tag, decoder.version()) {
                                value.$field = decoder.field(&FIELD)?;
                                return Ok(true);
                            }
                        })*
                        let _ = (decoder, tag);
                        Ok(false)
                    })?;
                }
                Ok(value)
            }
        }

        #[cfg(all(test, not(target_family = "wasm")))]
        impl $crate::protocol::sample::Sample for $name {
            fn sample(
                random: &mut $crate::protocol::sample::Random,
                version: i16,
                _shape: $crate::protocol::schema::Shape,
            ) -> Self {
                let mut value = Self::default();
                $({
                    const FIELD: $crate::protocol::schema::FieldSchema =
                        schema!(@field $field $($rule($($argument)?))+);
                    if FIELD.covers(version) {
                        let shape = FIELD.shape(version);
                        value.$field = $crate::protocol::sample::Sample::sample(random, version, shape);
                    }
                })*
                let _ = (random, version);
                value
            }
        }
    )*};

    (@default) => { Default::default() };
    (@default $default:expr) => { $default };
    (@field $field:ident $($rule:ident($($argument:literal)?))+) => {
        $crate::protocol::schema::FieldSchema::named(stringify!($field))$(.$rule($($argument)?))+
    };
}

pub(crate) use schema;
