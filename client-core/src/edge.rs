//! Transition tables: which moves a machine may make, as data.

/// One legal move of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge<S> {
    /// The state it leaves.
    pub from: S,
    /// The state it enters.
    pub to: S,
    /// What makes it move, in a few words.
    pub cause: &'static str,
}

/// Whether the table has an edge between the two states.
pub(crate) fn is_legal<S: Copy + PartialEq>(table: &[Edge<S>], from: S, to: S) -> bool {
    table.iter().any(|edge| edge.from == from && edge.to == to)
}

/// Draws the table as a Mermaid state diagram, one line an edge; docs/ hold the result and a test compares.
#[must_use]
pub fn mermaid<S: Copy>(table: &[Edge<S>], name: impl Fn(S) -> &'static str) -> alloc::string::String {
    use core::fmt::Write as _;
    let mut text = alloc::string::String::from("stateDiagram-v2\n");
    for edge in table {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    {} --> {}: {}", name(edge.from), name(edge.to), edge.cause);
    }
    text
}
