//! What is done with hostile bytes. `fuzz/` gives these functions to libFuzzer; `tests/tests/fuzz.rs` replays the committed
//! inputs and mutations of them on any toolchain.
//!
//! A target panics when it finds something. It returns nothing: bytes that are refused are as good as bytes that are
//! accepted.

mod batches;
mod broker;
mod codec;
mod frames;
mod mutate;
mod worlds;

pub use mutate::mutated;

/// Something that hostile bytes are given to.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of the program in `fuzz/fuzz_targets` and of the folder in `fuzz/corpus`.
    pub name: &'static str,
    /// Takes the bytes.
    pub run: fn(&[u8]),
    /// How many bytes of memory an input of so many bytes may take at once.
    pub memory: fn(usize) -> usize,
    /// The largest input that is worth trying.
    pub input_size_max: usize,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "frame_decoder",
        run: frames::frame_decoder,
        // Of each four bytes that are an empty frame, three lists of frames keep a handle: that is the target's own.
        memory: |input| frames::FRAME_SIZE_MAX + 100 * input + KIB,
        input_size_max: 4_096,
    },
    Target { name: "responses", run: codec::responses, memory: decoded, input_size_max: 4_096 },
    Target { name: "requests", run: codec::requests, memory: decoded, input_size_max: 4_096 },
    Target {
        name: "record_batch",
        run: batches::record_batch,
        memory: |input| batches::DECOMPRESSED_SIZE_MAX * 4 + 64 * input + 16 * 1_024 * KIB,
        input_size_max: 4_096,
    },
    Target {
        name: "hostile_broker",
        run: broker::hostile_broker,
        memory: |_| 64 * 1_024 * KIB,
        input_size_max: 4_096,
    },
    Target {
        name: "hostile_client",
        run: broker::hostile_client,
        memory: |_| 64 * 1_024 * KIB,
        input_size_max: 4_096,
    },
    Target {
        name: "recording",
        run: worlds::recording,
        memory: |_| 256 * 1_024 * KIB,
        input_size_max: 2_048,
    },
    Target {
        name: "world_actions",
        run: worlds::world_actions,
        memory: |_| 512 * 1_024 * KIB,
        input_size_max: 400,
    },
];

const KIB: usize = 1_024;

/// A decoded message is larger than its bytes: an element of one byte may be a struct of some hundred. How much larger is
/// bounded, whatever the counts in it claim.
const fn decoded(input: usize) -> usize {
    512 * KIB + 600 * input
}

/// The target with this name.
///
/// # Panics
/// There is none.
pub fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| panic!("there is no target {name}"))
}

/// Takes an input apart, from front to back. Behind its end everything is zero.
#[derive(Clone, Debug)]
struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or_default()
    }

    fn u16(&mut self) -> u16 {
        u16::from(self.byte()) << 8 | u16::from(self.byte())
    }

    /// So many bytes, or what is left.
    fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }
}
