//! What can go wrong, as plain data: in the network in front of a broker, and in the broker itself.

use crate::event::Direction;
use crate::text::{ParseError, Words};
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

/// A disturbance of the world, or its end. Brokers are named by Kafka's node id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// New connections to the broker are refused.
    Refuse(i32),
    /// The broker's name does not resolve: new connections fail as unreachable.
    Unreachable(i32),
    /// New connections are accepted and then nothing is ever said on them.
    Silent(i32),
    /// Nothing passes in either direction and new connections get no answer at all.
    Partition(i32),
    /// All connections to the broker end now, or as soon as exactly so many more bytes have reached the client.
    Cut {
        /// The broker.
        node: i32,
        /// In what way.
        how: Cut,
        /// How many more bytes reach the client.
        after: Option<u32>,
    },
    /// Bytes in this direction wait from now on.
    Hold {
        /// The broker.
        node: i32,
        /// The direction.
        direction: Direction,
    },
    /// Exactly so many more bytes reach the client; what follows waits.
    Pause {
        /// The broker.
        node: i32,
        /// How many bytes.
        after: u32,
    },
    /// What waits because of [`Fault::Hold`] or [`Fault::Pause`] moves on.
    Release(i32),
    /// Bytes from and to the broker take this much longer.
    Delay {
        /// The broker.
        node: i32,
        /// How much longer, in microseconds, each way.
        micros: u64,
    },
    /// The broker dies: its connections break off, others take over its partitions where they have replicas.
    Down(i32),
    /// The broker comes back.
    Up(i32),
    /// The broker reads requests and never answers.
    BlackHole(i32),
    /// The broker accepts no credentials any more, as after a change of passwords.
    LockOut(i32),
    /// The broker's replies to one API take this much longer.
    SlowApi {
        /// The broker.
        node: i32,
        /// The API's name.
        api: Api,
        /// How much longer, in microseconds.
        micros: u64,
    },
    /// The broker finds that the next requests of one API use up a quota: its replies say so, and it does not read from their
    /// connections for so long (KIP-219).
    Throttle {
        /// The broker.
        node: i32,
        /// The API's name.
        api: Api,
        /// How long, in microseconds; replies name whole milliseconds.
        micros: u64,
        /// How many requests.
        count: u32,
    },
    /// The broker answers the next requests of one API with an error code.
    ErrorCode {
        /// The broker.
        node: i32,
        /// The API's name.
        api: Api,
        /// Kafka's number for the error.
        code: i16,
        /// How many replies.
        count: u32,
    },
    /// The broker's next reply carries a correlation id that nobody asked with.
    WrongCorrelation(i32),
    /// The broker's next reply announces a negative size.
    NegativeSize(i32),
    /// The broker's next reply announces a size beyond every limit.
    Oversized(i32),
    /// The broker's next reply is noise behind a correct size and correlation id.
    Garbage(i32),
    /// The broker's next reply comes twice.
    Twice(i32),
    /// The broker moves: its connections break off, and it advertises and has another address from now on.
    Move {
        /// The broker.
        node: i32,
        /// The new host.
        host: String,
        /// The new port.
        port: u16,
    },
    /// New connections to the broker's address reach another broker, as with a wrong entry in a proxy or an address given away.
    Misroute {
        /// The broker.
        node: i32,
        /// The one that is reached.
        to: i32,
    },
    /// A partition gets another leader.
    MoveLeader {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The new leader.
        node: i32,
    },
    /// Somebody creates a topic.
    CreateTopic {
        /// Its name.
        topic: String,
        /// How many partitions.
        partitions: i32,
    },
    /// The broker's network and the broker behave again, at the broker's first address.
    Heal(i32),
    /// Everything behaves again, and brokers that were down come back.
    HealAll,
}

/// In what way a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// In order (FIN).
    Fin,
    /// Broken off (RST).
    Reset,
}

/// The APIs that faults can single out.
pub use client_core::protocol::ApiKey as Api;

impl Fault {
    /// The broker concerned; `None` for faults of the whole world.
    #[must_use]
    pub const fn node(&self) -> Option<i32> {
        match self {
            Self::Refuse(node)
            | Self::Unreachable(node)
            | Self::Silent(node)
            | Self::Partition(node)
            | Self::Cut { node, .. }
            | Self::Hold { node, .. }
            | Self::Pause { node, .. }
            | Self::Release(node)
            | Self::Delay { node, .. }
            | Self::Down(node)
            | Self::Up(node)
            | Self::BlackHole(node)
            | Self::LockOut(node)
            | Self::SlowApi { node, .. }
            | Self::Throttle { node, .. }
            | Self::ErrorCode { node, .. }
            | Self::WrongCorrelation(node)
            | Self::NegativeSize(node)
            | Self::Oversized(node)
            | Self::Garbage(node)
            | Self::Twice(node)
            | Self::Move { node, .. }
            | Self::Misroute { node, .. }
            | Self::MoveLeader { node, .. }
            | Self::Heal(node) => Some(*node),
            Self::CreateTopic { .. } | Self::HealAll => None,
        }
    }

    /// Whether it mends instead of breaking.
    #[must_use]
    pub const fn heals(&self) -> bool {
        matches!(
            self,
            Self::Heal(_) | Self::HealAll | Self::Release(_) | Self::Up(_) | Self::CreateTopic { .. }
        )
    }

    /// The fault as a sentence without its full stop.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Refuse(node) => format!("Broker {node} refuses new connections"),
            Self::Unreachable(node) => format!("Broker {node}'s name no longer resolves"),
            Self::Silent(node) => format!("Broker {node} accepts connections and then says nothing"),
            Self::Partition(node) => format!("Broker {node} is cut off: nothing passes"),
            Self::Cut { node, how, after: None } => {
                format!("All connections to broker {node} are cut with {}", how.name())
            }
            Self::Cut { node, how, after: Some(after) } => {
                format!("Broker {node}'s connection will be cut with {} {after} bytes from here", how.name())
            }
            Self::Hold { node, direction: Direction::ToClient } => format!("Bytes from broker {node} wait"),
            Self::Hold { node, direction: Direction::ToBroker } => format!("Bytes to broker {node} wait"),
            Self::Pause { node, after } => {
                format!("{after} more bytes from broker {node} pass, then they wait")
            }
            Self::Release(node) => format!("Bytes of broker {node} move on"),
            Self::Delay { node, micros } => {
                format!("Bytes of broker {node} take {} ms longer", micros / 1_000)
            }
            Self::Down(node) => format!("Broker {node} goes down"),
            Self::Up(node) => format!("Broker {node} comes up"),
            Self::BlackHole(node) => format!("Broker {node} stops answering"),
            Self::LockOut(node) => format!("Broker {node} accepts no credentials any more"),
            Self::SlowApi { node, api, micros } => {
                format!("Broker {node} answers {api} {} ms later", micros / 1_000)
            }
            Self::Throttle { node, api, micros, count } => {
                format!(
                    "Broker {node} finds a quota used up by the next {count} {api}, for {} ms",
                    micros / 1_000
                )
            }
            Self::ErrorCode { node, api, code, count: 1 } => {
                format!("Broker {node} will answer the next {api} with error {code}")
            }
            Self::ErrorCode { node, api, code, count } => {
                format!("Broker {node} will answer the next {count} {api} requests with error {code}")
            }
            Self::WrongCorrelation(node) => {
                format!("Broker {node}'s next reply will carry a wrong correlation id")
            }
            Self::NegativeSize(node) => format!("Broker {node}'s next reply will announce a negative size"),
            Self::Oversized(node) => format!("Broker {node}'s next reply will announce an absurd size"),
            Self::Garbage(node) => format!("Broker {node}'s next reply will be noise"),
            Self::Twice(node) => format!("Broker {node}'s next reply will come twice"),
            Self::Misroute { node, to } => format!("Who connects to broker {node} reaches broker {to}"),
            Self::Move { node, host, port } => format!("Broker {node} moves to {host}:{port}"),
            Self::MoveLeader { topic, partition, node } => {
                format!("Broker {node} becomes the leader of {topic}-{partition}")
            }
            Self::CreateTopic { topic, partitions } => {
                format!("Somebody creates the topic {topic} with {partitions} partitions")
            }
            Self::Heal(node) => format!("Broker {node} and its network behave again"),
            Self::HealAll => "Everything behaves again".to_string(),
        }
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// Which entry cannot be read, and why.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut words = Words::new(text);
        let name = words.word("the name of a fault")?;
        let fault = match name {
            "refuse" => Self::Refuse(words.node()?),
            "unreachable" => Self::Unreachable(words.node()?),
            "silent" => Self::Silent(words.node()?),
            "partition" => Self::Partition(words.node()?),
            "cut" => {
                let node = words.node()?;
                let how = match words.word("fin or rst")? {
                    "fin" => Cut::Fin,
                    "rst" => Cut::Reset,
                    other => return Err(words.unexpected("fin or rst", other)),
                };
                let after = words.next_if_any().map(|word| crate::text::number(word, "a number of bytes"));
                Self::Cut { node, how, after: after.transpose()? }
            }
            "hold" => {
                let node = words.node()?;
                let direction = match words.word("to-client or to-broker")? {
                    "to-client" => Direction::ToClient,
                    "to-broker" => Direction::ToBroker,
                    other => return Err(words.unexpected("to-client or to-broker", other)),
                };
                Self::Hold { node, direction }
            }
            "pause" => Self::Pause { node: words.node()?, after: words.number("a number of bytes")? },
            "release" => Self::Release(words.node()?),
            "delay" => Self::Delay { node: words.node()?, micros: words.number("microseconds")? },
            "down" => Self::Down(words.node()?),
            "up" => Self::Up(words.node()?),
            "black-hole" => Self::BlackHole(words.node()?),
            "lock-out" => Self::LockOut(words.node()?),
            "slow" => Self::SlowApi {
                node: words.node()?,
                api: api(&mut words)?,
                micros: words.number("microseconds")?,
            },
            "throttle" => Self::Throttle {
                node: words.node()?,
                api: api(&mut words)?,
                micros: words.number("microseconds")?,
                count: words.number("a number of requests")?,
            },
            "error" => Self::ErrorCode {
                node: words.node()?,
                api: api(&mut words)?,
                code: words.number("an error code")?,
                count: words.number("a number of replies")?,
            },
            "wrong-correlation" => Self::WrongCorrelation(words.node()?),
            "negative-size" => Self::NegativeSize(words.node()?),
            "oversized" => Self::Oversized(words.node()?),
            "garbage" => Self::Garbage(words.node()?),
            "twice" => Self::Twice(words.node()?),
            "move" => {
                let node = words.node()?;
                let host = words.word("a host")?.to_string();
                Self::Move { node, host, port: words.number("a port")? }
            }
            "misroute" => Self::Misroute { node: words.node()?, to: words.node()? },
            "leader" => {
                let topic = words.word("a topic")?.to_string();
                Self::MoveLeader { topic, partition: words.number("a partition")?, node: words.node()? }
            }
            "create" => {
                let topic = words.word("a topic")?.to_string();
                Self::CreateTopic { topic, partitions: words.number("a number of partitions")? }
            }
            "heal" => words.next_if_any().map_or(Ok(Self::HealAll), |word| {
                word.strip_prefix('n')
                    .and_then(|number| number.parse().ok())
                    .map(Self::Heal)
                    .ok_or_else(|| words.unexpected("a broker such as n1", word))
            })?,
            other => return Err(words.unexpected("the name of a fault", other)),
        };
        words.end()?;
        Ok(fault)
    }
}

fn api(words: &mut Words<'_>) -> Result<Api, ParseError> {
    let word = words.word("an API such as Metadata")?;
    Api::ALL
        .into_iter()
        .find(|api| api.name() == word)
        .ok_or_else(|| words.unexpected("an API such as Metadata", word))
}

impl Cut {
    /// The name of the segment that does it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fin => "FIN",
            Self::Reset => "RST",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse(node) => write!(f, "refuse:n{node}"),
            Self::Unreachable(node) => write!(f, "unreachable:n{node}"),
            Self::Silent(node) => write!(f, "silent:n{node}"),
            Self::Partition(node) => write!(f, "partition:n{node}"),
            Self::Cut { node, how, after } => {
                let how = match how {
                    Cut::Fin => "fin",
                    Cut::Reset => "rst",
                };
                write!(f, "cut:n{node}:{how}")?;
                after.map_or(Ok(()), |after| write!(f, ":{after}"))
            }
            Self::Hold { node, direction: Direction::ToClient } => write!(f, "hold:n{node}:to-client"),
            Self::Hold { node, direction: Direction::ToBroker } => write!(f, "hold:n{node}:to-broker"),
            Self::Pause { node, after } => write!(f, "pause:n{node}:{after}"),
            Self::Release(node) => write!(f, "release:n{node}"),
            Self::Delay { node, micros } => write!(f, "delay:n{node}:{micros}"),
            Self::Down(node) => write!(f, "down:n{node}"),
            Self::Up(node) => write!(f, "up:n{node}"),
            Self::BlackHole(node) => write!(f, "black-hole:n{node}"),
            Self::LockOut(node) => write!(f, "lock-out:n{node}"),
            Self::SlowApi { node, api, micros } => write!(f, "slow:n{node}:{api}:{micros}"),
            Self::Throttle { node, api, micros, count } => {
                write!(f, "throttle:n{node}:{api}:{micros}:{count}")
            }
            Self::ErrorCode { node, api, code, count } => write!(f, "error:n{node}:{api}:{code}:{count}"),
            Self::WrongCorrelation(node) => write!(f, "wrong-correlation:n{node}"),
            Self::NegativeSize(node) => write!(f, "negative-size:n{node}"),
            Self::Oversized(node) => write!(f, "oversized:n{node}"),
            Self::Garbage(node) => write!(f, "garbage:n{node}"),
            Self::Twice(node) => write!(f, "twice:n{node}"),
            Self::Misroute { node, to } => write!(f, "misroute:n{node}:n{to}"),
            Self::Move { node, host, port } => write!(f, "move:n{node}:{host}:{port}"),
            Self::MoveLeader { topic, partition, node } => write!(f, "leader:{topic}:{partition}:n{node}"),
            Self::CreateTopic { topic, partitions } => write!(f, "create:{topic}:{partitions}"),
            Self::Heal(node) => write!(f, "heal:n{node}"),
            Self::HealAll => f.write_str("heal"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_round_trips_through_its_text() {
        for text in [
            "refuse:n1",
            "unreachable:n2",
            "silent:n1",
            "partition:n3",
            "cut:n1:rst:37",
            "cut:n1:fin",
            "hold:n1:to-client",
            "hold:n1:to-broker",
            "pause:n1:3",
            "release:n1",
            "delay:n1:250000",
            "down:n1",
            "up:n1",
            "black-hole:n1",
            "lock-out:n1",
            "slow:n1:ApiVersions:300000",
            "throttle:n1:Fetch:2500000:3",
            "error:n1:Produce:6:2",
            "wrong-correlation:n1",
            "negative-size:n1",
            "oversized:n1",
            "garbage:n1",
            "twice:n1",
            "move:n2:broker9:9092",
            "misroute:n2:n1",
            "leader:orders:0:n2",
            "create:audit:2",
            "heal:n1",
            "heal",
        ] {
            assert_eq!(Fault::parse(text).map(|fault| fault.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_bad_text_is_named() {
        for text in ["", "explode:n1", "cut:n1", "cut:1:fin", "cut:n1:fin:x", "refuse:n1:2", "slow:n1:Foo:1"]
        {
            assert!(Fault::parse(text).is_err(), "{text}");
        }
    }
}
