//! Bytes as decisions.

use simulator::recording::Recording;
use simulator::soak;
use simulator::world::{Stepped, World};

/// A link to a run, as somebody might have written it. The playground opens such links, so they must cost little.
pub(super) fn recording(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = Recording::parse(text);
    let Ok(recording) = Recording::parse_unchecked(text) else { return };
    let shown = recording.to_string();
    assert_eq!(Recording::parse(&shown).as_ref(), Ok(&recording), "{shown}");
    let Ok(mut world) = World::new(recording) else { return };
    for _ in 0..STEPS_MAX {
        if world.step() == Stepped::AtRest {
            return;
        }
    }
}

const STEPS_MAX: u32 = 60;

/// What a world is made of and what happens to it, one decision after the other. It keeps every law.
pub(super) fn world_actions(data: &[u8]) {
    let plan = soak::draw_from(data);
    let outcome = soak::run(&plan).expect("a drawn scenario makes a world");
    if let Some(breach) = outcome.first() {
        panic!("{breach}\nplan: {plan}\nrun: {}", outcome.world.recording());
    }
}
